import CSockets
import SansIO
import Synchronization

/// Random numbers of the kernel (getrandom(2)), fetched by the block: a call for each costs more than what most are for.
///
/// A number is wiped from the block as it is given out.
public final class KernelRandomness: RandomSource {
  /// 256 bytes: the most that the kernel always gives at once.
  private static let size = 32

  private struct Block {
    var words = [UInt64](repeating: 0, count: KernelRandomness.size)
    var used = KernelRandomness.size
  }

  private let block = Mutex(Block())

  public init() {}

  public func next() -> UInt64 {
    block.withLock { block in
      if block.used == Self.size {
        Self.fill(&block.words)
        block.used = 0
      }
      defer {
        block.words[block.used] = 0
        block.used += 1
      }
      return block.words[block.used]
    }
  }

  private static func fill(_ words: inout [UInt64]) {
    words.withUnsafeMutableBytes { buffer in
      let count = random_bytes(buffer.baseAddress, buffer.count)
      precondition(Int(count) == buffer.count, "the system gives no random bytes")
    }
  }
}
