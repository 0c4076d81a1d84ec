//! A table over files that DataFusion's own listing cannot name exactly: globs whose `*` stops at a
//! `/`, folders with hidden files in them, partitions above the glob. It lists anew for each query.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaBuilder, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Constraints, DFSchema, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::listing::helpers::{expr_applicable_for_cols, filter_partitioned_file};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::table_schema::TableSchemaBuilder;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, SortExpr, TableProviderFilterPushDown};
use datafusion::physical_expr::create_lex_ordering;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use super::kind::FileKind;
use super::location::Location;
use super::{listing, one_kind, partitions, resolve};
use crate::error::Result;

/// Files picked by our own rules, read by DataFusion.
pub(crate) struct PickedTable {
    pub(crate) locations: Vec<Location>,
    pub(crate) kind: FileKind,
    /// The kind was asked for by name: files of others are passed over.
    pub(crate) asked: bool,
    pub(crate) format: Arc<dyn FileFormat>,
    pub(crate) file_schema: SchemaRef,
    pub(crate) partitions: Vec<(String, DataType)>,
    pub(crate) sort: Vec<Vec<SortExpr>>,
    pub(crate) constraints: Constraints,
    pub(crate) definition: Option<String>,
}

impl PickedTable {
    fn partition_fields(&self) -> Vec<Arc<Field>> {
        let field = |(name, data_type): &(String, DataType)| {
            Arc::new(Field::new(name, data_type.clone(), true))
        };
        self.partitions.iter().map(field).collect()
    }

    /// The files as they are now, without those that the filters rule out.
    async fn files(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<PartitionedFile>> {
        let names: Vec<&str> = self.partitions.iter().map(|(name, _)| name.as_str()).collect();
        let filters: Vec<Expr> = filters
            .iter()
            .filter(|filter| !names.is_empty() && expr_applicable_for_cols(&names, filter))
            .cloned()
            .collect();
        let fields: Vec<Field> =
            self.partition_fields().iter().map(|field| field.as_ref().clone()).collect();
        let schema = DFSchema::try_from(Schema::new(fields))?;
        let mut picked = Vec::new();
        for location in &self.locations {
            let store = resolve::store(state, location)?;
            let found = listing::list(&store, location).await?;
            let files = if self.asked && !found.single {
                one_kind::of_kind(found.files, self.kind.kind)
            } else {
                found.files
            };
            for meta in files {
                let Some(values) = partitions::values(&meta.location, &self.partitions)? else {
                    continue;
                };
                let file = PartitionedFile::new_from_meta(meta).with_partition_values(values);
                if filters.is_empty() {
                    picked.push(file);
                } else {
                    picked.extend(filter_partitioned_file(file, &filters, &schema)?);
                }
            }
        }
        Ok(picked)
    }
}

impl fmt::Debug for PickedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<&str> = self.locations.iter().map(|place| place.text.as_str()).collect();
        f.debug_struct("PickedTable").field("paths", &paths).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for PickedTable {
    fn schema(&self) -> SchemaRef {
        let mut builder = SchemaBuilder::from(self.file_schema.as_ref());
        for field in self.partition_fields() {
            builder.push(field);
        }
        Arc::new(builder.finish().with_metadata(self.file_schema.metadata().clone()))
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn constraints(&self) -> Option<&Constraints> {
        Some(&self.constraints)
    }

    fn get_table_definition(&self) -> Option<&str> {
        self.definition.as_deref()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let files = self.files(state, filters).await?;
        let Some(location) = self.locations.first().filter(|_| !files.is_empty()) else {
            let schema = project_schema(&self.schema(), projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        let schema = TableSchemaBuilder::from(&self.file_schema)
            .with_table_partition_cols(self.partition_fields())
            .build();
        let source = self.format.file_source(schema);
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let ordering = create_lex_ordering(&self.schema(), &self.sort, state.execution_props())?;
        let url = ObjectStoreUrl::parse(location.root.as_str())?;
        let config = FileScanConfigBuilder::new(url, source)
            .with_file_groups(groups)
            .with_constraints(self.constraints.clone())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_output_ordering(ordering)
            .build();
        self.format.create_physical_plan(state, config).await
    }
}
