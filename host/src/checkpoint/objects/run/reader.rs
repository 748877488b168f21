//! Reads what a run says of one stage, from the beginning to the end.

use super::{BLOCK_HEAD, Extent, Run, checksum};
use crate::checkpoint::StoreError;
use crate::checkpoint::objects::bucket::Bucket;
use crate::checkpoint::packed::{self, Change};

/// Where a reader stands: at a change, or behind the last one.
pub(in crate::checkpoint::objects) struct RunReader<'a> {
    bucket: &'a Bucket,
    run: &'a Run,
    stage: &'a str,
    extent: &'a Extent,
    /// Bytes that are asked for at once.
    window: u64,
    /// What was fetched and not looked at yet begins at `at`.
    fetched: Vec<u8>,
    at: usize,
    /// Where in the object to go on fetching.
    next: u64,
    block: Vec<u8>,
    /// Where in the block the change is that it stands at, and how many bytes it takes.
    position: usize,
    size: usize,
    passed: u64,
}

impl<'a> RunReader<'a> {
    /// A reader at the first change of a stage; none where the run says nothing of it.
    pub(in crate::checkpoint::objects) fn open(
        bucket: &'a Bucket,
        run: &'a Run,
        stage: &'a str,
        window: u64,
    ) -> Result<Option<Self>, StoreError> {
        let Some(extent) = run.stages.get(stage) else {
            return Ok(None);
        };
        let mut reader = Self {
            bucket,
            run,
            stage,
            extent,
            window,
            fetched: Vec::new(),
            at: 0,
            next: extent.offset,
            block: Vec::new(),
            position: 0,
            size: 0,
            passed: 0,
        };
        reader.load()?;
        Ok(Some(reader))
    }

    /// The change that it stands at; none behind the last one.
    pub(in crate::checkpoint::objects) fn head(&self) -> Option<Change<'_>> {
        // It has been read once, when the reader came here.
        let found = packed::first(&self.block[self.position..]).ok()??;
        Some(found.0)
    }

    /// Goes on to the next change.
    pub(in crate::checkpoint::objects) fn advance(&mut self) -> Result<(), StoreError> {
        self.position += self.size;
        self.passed += 1;
        self.load()
    }

    /// Makes sure that a whole change stands at the position, if there is one more.
    fn load(&mut self) -> Result<(), StoreError> {
        if self.position == self.block.len() && !self.next_block()? {
            self.size = 0;
            if self.passed != self.extent.kept + self.extent.forgotten {
                return Err(self.damaged("entries are missing"));
            }
            return Ok(());
        }
        match packed::first(&self.block[self.position..]) {
            Ok(Some((_, size))) => {
                self.size = size;
                Ok(())
            }
            Ok(None) => Err(self.damaged("a block is empty")),
            Err(error) => Err(self.damaged(&error.to_string())),
        }
    }

    /// Unpacks the next block; gives whether there was one.
    fn next_block(&mut self) -> Result<bool, StoreError> {
        self.block.clear();
        self.position = 0;
        if self.at == self.fetched.len() && self.next == self.extent.offset + self.extent.length {
            return Ok(false);
        }
        self.fetch(BLOCK_HEAD)?;
        let (length, raw_length, expected) = self.block_head();
        self.at += BLOCK_HEAD;
        self.fetch(length as usize)?;
        let stored = &self.fetched[self.at..self.at + length as usize];
        if checksum(&self.run.object, self.stage, raw_length, stored) != expected {
            return Err(self.damaged("a block does not have the checksum that it was written with"));
        }
        self.block.resize(raw_length as usize, 0);
        match lz4_flex::block::decompress_into(stored, &mut self.block) {
            Ok(unpacked) if unpacked == self.block.len() => {
                self.at += length as usize;
                Ok(true)
            }
            _ => Err(self.damaged("a block cannot be unpacked")),
        }
    }

    /// Length as it is stored, as it was, and checksum of the block that comes next, whose head has been fetched.
    fn block_head(&self) -> (u32, u32, u64) {
        let mut head = [0; BLOCK_HEAD];
        head.copy_from_slice(&self.fetched[self.at..self.at + BLOCK_HEAD]);
        let [a, b, c, d, e, f, g, h, checksum @ ..] = head;
        (
            u32::from_le_bytes([a, b, c, d]),
            u32::from_le_bytes([e, f, g, h]),
            u64::from_le_bytes(checksum),
        )
    }

    /// Sees to it that so many bytes are at hand.
    fn fetch(&mut self, bytes: usize) -> Result<(), StoreError> {
        let at_hand = self.fetched.len() - self.at;
        if at_hand >= bytes {
            return Ok(());
        }
        let end = self.extent.offset + self.extent.length;
        let wanted = self.window.max((bytes - at_hand) as u64);
        let until = end.min(self.next + wanted);
        if until - self.next < (bytes - at_hand) as u64 {
            return Err(self.damaged("a block goes on behind its end"));
        }
        let got = self.bucket.range(&self.run.object, self.next..until)?;
        if got.len() as u64 != until - self.next {
            return Err(self.damaged("it is cut short"));
        }
        self.fetched.drain(..self.at);
        self.at = 0;
        self.fetched.extend_from_slice(&got);
        self.next = until;
        Ok(())
    }

    fn damaged(&self, found: &str) -> StoreError {
        self.bucket.damaged(&self.run.object, found)
    }
}
