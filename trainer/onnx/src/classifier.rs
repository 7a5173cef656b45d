//! Any classifier as plain numbers.

use crate::blend::Blend;
use crate::ensemble::TreeEnsemble;
use crate::error::Error;
use crate::graph::Graph;
use crate::head::Head;
use crate::kernel::KernelClassifier;
use crate::linear::LinearClassifier;
use crate::perceptron::Perceptron;

/// To go down a tree of ordinary depth takes as long as so many multiplications.
const PRODUCTS_OF_TREE: usize = 32;

/// A classifier as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Classifier {
    /// A sum of trees.
    Trees(TreeEnsemble),
    /// A linear map with its preprocessing.
    Linear(LinearClassifier),
    /// Kernels around landmarks with their preprocessing.
    Kernel(KernelClassifier),
    /// Networks with their preprocessing.
    Perceptron(Perceptron),
    /// A weighted mean of classifiers.
    Blend(Blend),
}

impl Classifier {
    /// Refuses numbers that are no classifier, as of a fit that left the finite ones.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Trees(trees) => trees.check(),
            Self::Linear(linear) => linear.check(),
            Self::Kernel(kernel) => kernel.check(),
            Self::Perceptron(perceptron) => perceptron.check(),
            Self::Blend(blend) => blend.check(),
        }
    }

    /// The ONNX file.
    ///
    /// # Panics
    /// When [`Classifier::check`] refuses the classifier.
    pub fn to_model(&self, head: &Head) -> Vec<u8> {
        self.check().expect("a classifier that passes its check");
        let (n_features, n_classes) = self.shape();
        let mut graph = Graph::default();
        self.write(&mut graph);
        graph.finish(head, n_features, n_classes)
    }

    /// About how many multiplications the probabilities of a row take; a tree is taken for [`PRODUCTS_OF_TREE`].
    pub fn n_products(&self) -> usize {
        match self {
            Self::Trees(trees) => trees.trees.len() * PRODUCTS_OF_TREE,
            Self::Linear(linear) => linear.weights.len(),
            Self::Kernel(kernel) => kernel.landmarks.len() + kernel.coefficients.len(),
            Self::Perceptron(perceptron) => perceptron.networks.iter().flatten().map(|layer| layer.weights.len()).sum(),
            Self::Blend(blend) => blend.members.iter().map(|member| member.classifier.n_products()).sum(),
        }
    }

    /// Width of a feature row, and number of probability columns.
    pub(crate) fn shape(&self) -> (usize, usize) {
        match self {
            Self::Trees(trees) => (trees.n_features, trees.n_classes),
            Self::Linear(linear) => (linear.n_features, linear.n_classes),
            Self::Kernel(kernel) => (kernel.n_features, kernel.n_classes),
            Self::Perceptron(perceptron) => (perceptron.n_features, perceptron.n_classes),
            Self::Blend(blend) => blend.members.first().map_or((0, 0), |member| member.classifier.shape()),
        }
    }

    /// From the features to the probabilities.
    pub(crate) fn write(&self, graph: &mut Graph) {
        match self {
            Self::Trees(trees) => trees.write(graph),
            Self::Linear(linear) => linear.write(graph),
            Self::Kernel(kernel) => kernel.write(graph),
            Self::Perceptron(perceptron) => perceptron.write(graph),
            Self::Blend(blend) => blend.write(graph),
        }
    }
}
