//! Values that a program's crates submit before it begins, found by their type: the interface of crate `inventory`, without tract's transforms.
//!
//! tract submits its matrix kernels, which are needed, and its transforms of models, to be found by name. What is submitted stays in a
//! program, and with one of the transforms a reader of NNEF does, a twelfth of the WebAssembly module for any ONNX file. Nothing looks for
//! transforms here, so they are let go; anything else is kept as that crate keeps it, by a constructor that the linker lists.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

pub use of_types::*;

mod of_types {
    use std::convert::Infallible;
    use std::marker::PhantomData;

    // The glob brings the value `iter`, which the type `iter` does not hide.
    pub use super::of_values::*;

    /// What was submitted of type `T`, as a type and as its only value.
    #[allow(non_camel_case_types, reason = "the name that is asked for")]
    pub enum iter<T> {
        #[doc(hidden)]
        __Phantom(PhantomData<T>, Infallible),
        /// The only value.
        iter,
    }
}

mod of_values {
    pub use super::of_types::iter::iter;
}

/// The values of one type.
pub struct Registry<T: 'static>(Mutex<Vec<&'static T>>);

impl<T> Registry<T> {
    /// Without a value.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a static needs a constant")]
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

/// A type whose values can be submitted; see [`collect!`].
pub trait Collect: Sync + Sized + 'static {
    /// Where they are kept.
    fn registry() -> &'static Registry<Self>;
}

/// A submitted value of any type.
pub trait Submitted: Sync {
    /// Adds it to the values of its type.
    fn submit(&'static self);
}

impl<T: Collect> Submitted for T {
    fn submit(&'static self) {
        T::registry().0.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }
}

fn all<T: Collect>() -> std::vec::IntoIter<&'static T> {
    T::registry().0.lock().unwrap_or_else(PoisonError::into_inner).clone().into_iter()
}

impl<T: Collect> IntoIterator for iter<T> {
    type Item = &'static T;
    type IntoIter = std::vec::IntoIter<&'static T>;

    fn into_iter(self) -> Self::IntoIter {
        all()
    }
}

impl<T: Collect> Deref for iter<T> {
    type Target = fn() -> std::vec::IntoIter<&'static T>;

    fn deref(&self) -> &Self::Target {
        &(all as fn() -> std::vec::IntoIter<&'static T>)
    }
}

/// Makes a type one whose values can be submitted.
#[macro_export]
macro_rules! collect {
    ($kept:ty) => {
        impl $crate::Collect for $kept {
            fn registry() -> &'static $crate::Registry<Self> {
                static REGISTRY: $crate::Registry<$kept> = $crate::Registry::new();
                &REGISTRY
            }
        }
    };
}

/// Submits a constant value, unless it is one of tract's transforms.
#[macro_export]
macro_rules! submit {
    (ModelTransformFactory $($of:tt)*) => {};
    ($tract:tt::transform::ModelTransformFactory $($of:tt)*) => {};
    ($($value:tt)*) => {
        const _: () = {
            static SUBMITTED: &dyn $crate::Submitted = &{ $($value)* };

            // A linker for WebAssembly may have constructors called at every call into the module.
            extern "C" fn submit() {
                static ONCE: ::std::sync::Once = ::std::sync::Once::new();
                ONCE.call_once(|| $crate::Submitted::submit(SUBMITTED));
            }

            #[used]
            #[cfg_attr(not(any(target_vendor = "apple", windows)), unsafe(link_section = ".init_array"))]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs"))]
            #[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
            static CONSTRUCTOR: extern "C" fn() = submit;
        };
    };
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
    crate::submit! { Kernel("one") }
    crate::submit! { Kernel("other") }
    crate::submit! { ModelTransformFactory }
    crate::submit! { self::transform::ModelTransformFactory }

    #[test]
    fn all_but_transforms_is_found() {
        let mut kernels: Vec<&str> = crate::iter::<Kernel>().map(|kernel| kernel.0).collect();
        kernels.sort_unstable();
        assert_eq!(kernels, ["one", "other"]);
        assert_eq!(crate::iter::<Kernel>.into_iter().count(), 2);
        assert_eq!(crate::iter::<ModelTransformFactory>().count(), 0);
    }
}
