//! Nodes by their names.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use datafusion::common::{exec_err, not_impl_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use parking_lot::RwLock;
use prost::Message;

use crate::array::{ArrayError, ArraySource};
use crate::lazy::ChunkKernel;

/// What bytes of ours begin with, so that nobody takes them for another's.
const MAGIC: &[u8] = b"strata\0";

/// How to turn one kind of plan node into bytes and back.
pub trait WireNode: Debug + Send + Sync {
    /// Its name on the wire. It never changes.
    fn name(&self) -> &'static str;

    /// Raised whenever its bytes mean something else than before.
    fn version(&self) -> u32;

    /// The bytes of a node, without its inputs; none if it is of another kind.
    fn encode(&self, node: &dyn ExecutionPlan, link: &WireLink<'_>) -> Result<Option<Vec<u8>>>;

    /// The node, from its bytes and inputs.
    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        link: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>>;
}

/// What nodes that hold expressions or plans are encoded and decoded with.
pub struct WireLink<'a> {
    /// The codec of the whole plan.
    pub codec: &'a dyn PhysicalExtensionCodec,
    /// The converter of the whole plan.
    pub converter: &'a dyn PhysicalProtoConverterExtension,
    /// The functions and settings there are; none while encoding.
    pub context: Option<&'a TaskContext>,
}

impl<'a> WireLink<'a> {
    /// The functions and settings there are.
    pub fn context(&self) -> Result<&'a TaskContext> {
        self.context
            .ok_or_else(|| DataFusionError::Internal("a node is decoded while encoding".into()))
    }
}

/// The nodes that this process can send and understand.
#[derive(Debug, Default)]
pub struct Wire {
    nodes: BTreeMap<&'static str, Arc<dyn WireNode>>,
    sources: BTreeMap<&'static str, FindsSource>,
    /// Extensions add these to finished sessions, too, as they do functions.
    kernels: RwLock<BTreeMap<String, Arc<dyn ChunkKernel>>>,
}

/// Finds what arrays are read from, by the bytes that it wrote of itself.
pub type FindsSource = fn(&[u8], &TaskContext) -> Result<Arc<dyn ArraySource>, ArrayError>;

/// A node on its way.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Envelope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint32, tag = "2")]
    version: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) bytes: Vec<u8>,
}

impl Envelope {
    pub(super) fn seal(name: &str, version: u32, bytes: Vec<u8>, into: &mut Vec<u8>) -> Result<()> {
        into.extend_from_slice(MAGIC);
        let envelope = Self { name: name.to_string(), version, bytes };
        envelope.encode(into).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    /// None if these bytes are somebody else's.
    pub(super) fn open(bytes: &[u8]) -> Option<Result<Self>> {
        let bytes = bytes.strip_prefix(MAGIC)?;
        Some(Self::decode(bytes).map_err(|error| DataFusionError::External(Box::new(error))))
    }

    /// Refuses what is not of this name and version.
    pub(super) fn expect(&self, name: &str, version: u32) -> Result<()> {
        if self.name != name {
            return not_impl_err!(
                "'{}' crosses the wire here, and '{name}' is known",
                self.name.escape_default()
            );
        }
        if self.version != version {
            return exec_err!(
                "'{name}' comes in version {}, and this process knows version {version}: \
                 all of a pool must run the same Strata",
                self.version
            );
        }
        Ok(())
    }
}

impl Wire {
    /// Adds a kind of node. Its name must be new.
    pub fn register(&mut self, node: Arc<dyn WireNode>) -> crate::Result<()> {
        let name = node.name();
        match self.nodes.insert(name, node) {
            None => Ok(()),
            Some(_) => Err(crate::EngineError::Pool(format!(
                "two kinds of plan nodes are called '{name}' on the wire"
            ))),
        }
    }

    /// Adds a kind of source of arrays. Its name must be new.
    pub fn register_source(&mut self, name: &'static str, finds: FindsSource) -> crate::Result<()> {
        match self.sources.insert(name, finds) {
            None => Ok(()),
            Some(_) => Err(crate::EngineError::Pool(format!(
                "two kinds of array sources are called '{name}' on the wire"
            ))),
        }
    }

    /// Adds a kernel, which arrays call by its name: `x.map_blocks('name')`. Its name must be new.
    pub fn register_kernel(&self, kernel: Arc<dyn ChunkKernel>) -> crate::Result<()> {
        let name = kernel.name().to_string();
        match self.kernels.write().insert(name, Arc::clone(&kernel)) {
            None => Ok(()),
            Some(_) => {
                Err(crate::EngineError::Pool(format!("two kernels are called '{}'", kernel.name())))
            }
        }
    }

    /// The kernel of this name.
    pub fn kernel(&self, name: &str) -> Result<Arc<dyn ChunkKernel>, ArrayError> {
        let kernels = self.kernels.read();
        kernels.get(name).cloned().ok_or_else(|| {
            let way_out = match crate::nearest(name, kernels.keys().map(String::as_str)) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "it is registered by an extension that all processes must have".to_string(),
            };
            ArrayError::asked(format!("there is no kernel '{}': {way_out}", name.escape_default()))
        })
    }

    /// The source of this kind that wrote these bytes.
    pub(crate) fn source(
        &self,
        name: &str,
        bytes: &[u8],
        context: &TaskContext,
    ) -> Result<Arc<dyn ArraySource>, ArrayError> {
        match self.sources.get(name) {
            Some(finds) => finds(bytes, context),
            None => Err(ArrayError::asked(format!(
                "'{}' is a source of arrays that this process does not know: it lacks an extension that \
                 the sender has",
                name.escape_default()
            ))),
        }
    }

    /// The names and versions of all.
    pub fn nodes(&self) -> impl Iterator<Item = (&'static str, u32)> + '_ {
        self.nodes.values().map(|node| (node.name(), node.version()))
    }

    /// The sealed bytes of a node; none if it is not ours.
    pub(super) fn encode(
        &self,
        node: &dyn ExecutionPlan,
        link: &WireLink<'_>,
        into: &mut Vec<u8>,
    ) -> Result<bool> {
        for known in self.nodes.values() {
            if let Some(bytes) = known.encode(node, link)? {
                Envelope::seal(known.name(), known.version(), bytes, into)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The node in an envelope.
    pub(super) fn decode(
        &self,
        envelope: &Envelope,
        inputs: &[Arc<dyn ExecutionPlan>],
        link: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(known) = self.nodes.get(envelope.name.as_str()) else {
            return not_impl_err!(
                "'{}' (version {}) is a plan node that this process does not know: it lacks an \
                 extension that the sender has",
                envelope.name.escape_default(),
                envelope.version
            );
        };
        envelope.expect(known.name(), known.version())?;
        known.decode(&envelope.bytes, inputs, link)
    }
}
