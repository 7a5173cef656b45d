//! Crate `inventory`, but for tract's transforms of models.
//!
//! tract submits its transforms, to be found by name, and what is submitted stays in a program: with one of them a reader of NNEF, a
//! twelfth of the WebAssembly module for any ONNX file. Nothing here looks for them. Its matrix kernels are found in the same way, and stay.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

pub use original::{Collect, collect, iter};

#[doc(hidden)]
pub use original;

/// Keeps a value, to be found by its type, unless it is a transform.
#[macro_export]
macro_rules! submit {
    (ModelTransformFactory $($of:tt)*) => {};
    ($tract:tt::transform::ModelTransformFactory $($of:tt)*) => {};
    ($($value:tt)*) => { $crate::original::submit! { $($value)* } };
}

#[cfg(test)]
mod tests {
    mod transform {
        pub(super) struct ModelTransformFactory;
    }
    use transform::ModelTransformFactory;

    struct Kernel(&'static str);

    crate::collect!(ModelTransformFactory);
    crate::collect!(Kernel);
    crate::submit! { Kernel("generic") }
    crate::submit! { ModelTransformFactory }
    crate::submit! { self::transform::ModelTransformFactory }

    #[test]
    fn all_but_transforms_is_found() {
        assert_eq!(crate::iter::<Kernel>.into_iter().map(|kernel| kernel.0).collect::<Vec<_>>(), ["generic"]);
        assert_eq!(crate::iter::<ModelTransformFactory>.into_iter().count(), 0);
    }
}
