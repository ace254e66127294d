/// The memory of a C codec's state, owned by one value at a time.
///
/// The states of libopus ("position independent and can be freely copied", opus.h) and of spandsp's G.722 are flat: a copy of the bytes is
/// a state of its own. Values that share a block part before one of them changes it (``unique(_:)``), which is what makes it Sendable.
// Unchecked: values that share one part before either changes it.
final class StateBlock: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  let size: Int

  init(size: Int) {
    self.size = size
    pointer = .allocate(byteCount: size, alignment: 16)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: size)
  }

  deinit { pointer.deallocate() }

  /// The block for changing: a copy of it where another value has it too.
  static func unique(_ block: inout StateBlock) -> UnsafeMutableRawPointer {
    if !isKnownUniquelyReferenced(&block) {
      let copy = StateBlock(size: block.size)
      copy.pointer.copyMemory(from: block.pointer, byteCount: block.size)
      block = copy
    }
    return block.pointer
  }
}
