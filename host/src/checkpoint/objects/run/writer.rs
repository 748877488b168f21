//! Writes a run.

use std::collections::BTreeMap;

use super::{BLOCK_BYTES, BLOCK_HEAD, Extent, HEAD, Run, checksum};
use crate::checkpoint::StoreError;
use crate::checkpoint::objects::bucket::{Bucket, Upload};
use crate::checkpoint::packed::{self, Change};

/// A run in the making. It is written as it comes; memory holds one block and one part of the object.
pub(in crate::checkpoint::objects) struct RunWriter {
    upload: Upload,
    run: Run,
    stage: String,
    extent: Extent,
    block: Vec<u8>,
    stored: Vec<u8>,
}

impl RunWriter {
    pub(in crate::checkpoint::objects) fn new(
        bucket: &Bucket,
        object: String,
    ) -> Result<Self, StoreError> {
        let mut upload = bucket.upload(object.clone());
        upload.write(HEAD)?;
        let run = Run {
            object,
            bytes: HEAD.len() as u64,
            stages: BTreeMap::new(),
        };
        Ok(Self {
            upload,
            run,
            stage: String::new(),
            extent: Extent::default(),
            block: Vec::new(),
            stored: Vec::new(),
        })
    }

    /// Adds a change, which comes after all that were added.
    pub(in crate::checkpoint::objects) fn push(
        &mut self,
        stage: &str,
        change: &Change<'_>,
    ) -> Result<(), StoreError> {
        if stage != self.stage {
            self.end_stage()?;
            stage.clone_into(&mut self.stage);
        }
        if !self.block.is_empty() && self.block.len() + change.size() > BLOCK_BYTES {
            self.end_block()?;
        }
        match change.value {
            Some((version, value)) => {
                self.extent.kept += 1;
                self.extent.bytes += (change.key.len() + value.len()) as u64;
                self.extent.versions.insert(version);
            }
            None => self.extent.forgotten += 1,
        }
        packed::push(&mut self.block, change);
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), StoreError> {
        // A key and a value are columns of 32 bits in a guest of 4 GiB of memory: a block of one of them does not exceed them in practice.
        let too_large = |_| StoreError::Damaged {
            place: self.run.object.clone(),
            found: "an entry of state is larger than 4 GiB".to_owned(),
        };
        let raw_length = u32::try_from(self.block.len()).map_err(too_large)?;
        self.stored.resize(
            lz4_flex::block::get_maximum_output_size(self.block.len()),
            0,
        );
        let length =
            lz4_flex::block::compress_into(&self.block, &mut self.stored).map_err(|error| {
                StoreError::Damaged {
                    place: self.run.object.clone(),
                    found: error.to_string(),
                }
            })?;
        let stored = &self.stored[..length];
        let checksum = checksum(&self.run.object, &self.stage, raw_length, stored);
        let mut head = [0; BLOCK_HEAD];
        head[..4].copy_from_slice(&u32::try_from(length).map_err(too_large)?.to_le_bytes());
        head[4..8].copy_from_slice(&raw_length.to_le_bytes());
        head[8..].copy_from_slice(&checksum.to_le_bytes());
        self.upload.write(&head)?;
        self.upload.write(stored)?;
        self.extent.length += (BLOCK_HEAD + length) as u64;
        self.block.clear();
        Ok(())
    }

    fn end_stage(&mut self) -> Result<(), StoreError> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let mut extent = std::mem::take(&mut self.extent);
        if extent.length > 0 {
            extent.offset = self.run.bytes;
            self.run.bytes += extent.length;
            self.run.stages.insert(self.stage.clone(), extent);
        }
        Ok(())
    }

    /// Makes the run; none where nothing was added.
    pub(in crate::checkpoint::objects) fn finish(mut self) -> Result<Option<Run>, StoreError> {
        self.end_stage()?;
        if self.run.stages.is_empty() {
            return Ok(None);
        }
        self.upload.finish()?;
        Ok(Some(self.run))
    }
}
