//! Where the nodes of a wait list lie: by index, and no longer than they are needed.
//!
//! Owns: [`Slab`].
//! Not here: what the nodes say, and how they are linked (`waiters`).
//!
//! The first [`NEAR`] places are one vector, and most lists never need more. Behind them lie chunks, each a vector of its
//! own, which goes back to the allocator when its last node is removed; new nodes go into the first chunk that has room.
//! So one waiter that stays, whichever it is, keeps its chunk and the table of chunks: some 100 KB of a million.
//!
//! The danger: chunks that come and go with every waiter. So an empty chunk stays while no other one has room, and all
//! of them until few nodes are left.

use std::collections::BTreeSet;

/// No place.
pub(super) const NIL: u32 = u32::MAX;

/// So many places are never given back.
pub(super) const NEAR: usize = 64;
/// A survivor keeps so many at the most; each chunk costs 32 bytes for as long as any survives.
const FAR: usize = 512;

#[derive(Debug)]
enum Place<N> {
    Taken(N),
    /// And the next free one.
    Free(u32),
}

/// Places that are filled in any order. Its indexes are its own.
#[derive(Debug)]
struct Chunk<N> {
    places: Vec<Place<N>>,
    free: u32,
    live: usize,
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Slab<N> {
    near: Chunk<N>,
    far: Option<Box<Far<N>>>,
}

#[derive(Debug)]
struct Far<N> {
    chunks: Vec<Chunk<N>>,
    /// Those that are not full.
    roomy: BTreeSet<usize>,
    live: usize,
}

impl<N> Chunk<N> {
    const fn new() -> Self {
        Chunk { places: Vec::new(), free: NIL, live: 0 }
    }

    fn is_full(&self, size: usize) -> bool {
        self.live == size
    }

    /// `make` is called once, where the node will lie: a node that was made before would be copied, several times.
    #[inline]
    fn insert(&mut self, make: impl FnOnce() -> N) -> usize {
        self.live += 1;
        let at = self.free as usize;
        if let Some(place) = self.places.get_mut(at) {
            let Place::Free(next) = *place else { unreachable!("BUG: a place is free and taken") };
            self.free = next;
            // It is free, and a drop would look again.
            std::mem::forget(std::mem::replace(place, Place::Taken(make())));
            return at;
        }
        self.push(make())
    }

    #[cold]
    fn push(&mut self, node: N) -> usize {
        self.places.push(Place::Taken(node));
        self.places.len() - 1
    }

    /// `false`: there is no such place.
    #[inline]
    fn free(&mut self, at: usize) -> bool {
        let Some(place) = self.places.get_mut(at) else { return false };
        if matches!(place, Place::Taken(_)) {
            *place = Place::Free(self.free);
            self.free = at as u32;
            self.live -= 1;
        }
        true
    }

    #[inline]
    fn remove(&mut self, at: usize) -> Option<N> {
        let place = self.places.get_mut(at)?;
        if matches!(place, Place::Free(_)) {
            return None;
        }
        let Place::Taken(node) = std::mem::replace(place, Place::Free(self.free)) else { return None };
        self.free = at as u32;
        self.live -= 1;
        Some(node)
    }
}

impl<N> Slab<N> {
    pub(super) const fn new() -> Self {
        Slab { near: Chunk::new(), far: None }
    }

    /// How many nodes there are.
    pub(super) fn live(&self) -> usize {
        self.near.live + self.far.as_ref().map_or(0, |far| far.live)
    }

    /// Puts the node in that `make` makes, and says where it is.
    #[inline]
    pub(super) fn insert(&mut self, make: impl FnOnce() -> N) -> u32 {
        if self.near.is_full(NEAR) { self.insert_far(make()) } else { self.near.insert(make) as u32 }
    }

    #[cold]
    fn insert_far(&mut self, node: N) -> u32 {
        self.far
            .get_or_insert_with(|| Box::new(Far { chunks: Vec::new(), roomy: BTreeSet::new(), live: 0 }))
            .insert(node)
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&N> {
        // Near ones first, and with one look: there are never more than `NEAR`, and all behind those are far.
        let place = match self.near.places.get(index as usize) {
            Some(near) => near,
            None => self.get_far(index)?,
        };
        if let Place::Taken(node) = place { Some(node) } else { None }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut N> {
        let place = match self.near.places.get_mut(index as usize) {
            Some(near) => near,
            None => self.far.as_mut()?.get_mut(index as usize)?,
        };
        if let Place::Taken(node) = place { Some(node) } else { None }
    }

    fn get_far(&self, index: u32) -> Option<&Place<N>> {
        self.far.as_ref()?.get(index as usize)
    }

    /// Takes a node out.
    #[inline]
    pub(super) fn remove(&mut self, index: u32) -> Option<N> {
        let at = index as usize;
        let node = if at < NEAR { self.near.remove(at) } else { self.far.as_mut()?.remove(at) };
        self.shrink();
        node
    }

    /// Takes a node out and drops it where it lies.
    #[inline]
    pub(super) fn free(&mut self, index: u32) {
        if !self.near.free(index as usize) {
            drop(self.remove(index));
        }
        self.shrink();
    }

    #[inline]
    fn shrink(&mut self) {
        if self.far.as_ref().is_some_and(|far| far.live == 0) && self.near.live <= NEAR / 2 {
            self.far = None;
        }
    }

    /// How much memory it holds, in nodes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let far = self.far.iter().flat_map(|far| &far.chunks).map(|chunk| chunk.places.capacity());
        self.near.places.capacity() + far.sum::<usize>()
    }
}

impl<N> Far<N> {
    #[cold]
    fn get(&self, index: usize) -> Option<&Place<N>> {
        let index = index - NEAR;
        self.chunks.get(index / FAR)?.places.get(index % FAR)
    }

    #[cold]
    fn get_mut(&mut self, index: usize) -> Option<&mut Place<N>> {
        let index = index - NEAR;
        self.chunks.get_mut(index / FAR)?.places.get_mut(index % FAR)
    }

    fn insert(&mut self, node: N) -> u32 {
        let number = self.roomy.first().copied().unwrap_or_else(|| {
            self.chunks.push(Chunk::new());
            self.roomy.insert(self.chunks.len() - 1);
            self.chunks.len() - 1
        });
        let chunk = &mut self.chunks[number];
        let index = NEAR + number * FAR + chunk.insert(|| node);
        if chunk.is_full(FAR) {
            self.roomy.remove(&number);
        }
        self.live += 1;
        let index = u32::try_from(index).ok().filter(|index| *index != NIL);
        index.expect("more than 2^32 - 2 waiters on one object")
    }

    fn remove(&mut self, index: usize) -> Option<N> {
        let index = index - NEAR;
        let number = index / FAR;
        let chunk = self.chunks.get_mut(number)?;
        let was_full = chunk.is_full(FAR);
        let node = chunk.remove(index % FAR)?;
        self.live -= 1;
        if was_full {
            self.roomy.insert(number);
        } else if chunk.live == 0 && self.roomy.len() > 1 {
            *chunk = Chunk::new();
        }
        Some(node)
    }
}
