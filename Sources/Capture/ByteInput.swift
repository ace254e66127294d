import Glibc
import SansIO

/// The bytes of a file or of memory, taken from the front. A file is read in chunks that the taken pieces share.
public final class ByteInput {
  private static let chunkSize = 256 << 10

  // Taken from for every block by code that cannot overlap itself.
  @exclusivity(unchecked) private var chunk: [UInt8]
  @exclusivity(unchecked) private var used = 0
  /// Of the chunk.
  @exclusivity(unchecked) private var end: Int
  private var descriptor: Int32
  private let path: String
  /// Bytes taken so far.
  @exclusivity(unchecked) public private(set) var offset = 0

  public init(_ bytes: Bytes) {
    chunk = bytes.array
    end = bytes.count
    descriptor = -1
    path = ""
  }

  public init(path: String) throws(CaptureReadError) {
    (chunk, end) = ([], 0)
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw CaptureReadError(.unreadable(CaptureFailure(.open, path, code: errno)), at: 0) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The next bytes without taking them; fewer than `count` where the input ends.
  public func peek(_ count: Int) throws(CaptureReadError) -> Bytes {
    if end - used < count { try refill(atLeast: count) }
    return Bytes(chunk)[used..<min(used + count, end)]
  }

  /// Takes exactly `count` bytes; an input that ends before is an error.
  public func take(_ count: Int) throws(CaptureReadError) -> Bytes {
    if end - used < count { try refill(atLeast: count) }
    guard end - used >= count else { throw CaptureReadError(.cut(needed: count), at: offset) }
    let taken = Bytes(chunk)[used..<used + count]
    used += count
    offset += count
    return taken
  }

  public var isAtEnd: Bool {
    get throws(CaptureReadError) {
      if end - used > 0 { return false }
      return try peek(1).isEmpty
    }
  }

  /// Reads on in the same memory, which is copied when somebody keeps a piece of it: large chunks that come and go cost the allocator a
  /// tenth of the time in which a capture is read.
  private func refill(atLeast count: Int) throws(CaptureReadError) {
    guard descriptor >= 0 else { return }
    let wanted = max(count, Self.chunkSize)
    if chunk.count < wanted { chunk += [UInt8](repeating: 0, count: wanted - chunk.count) }
    var (error, filled) = (Int32(0), end - used)
    chunk.withUnsafeMutableBytes { buffer in
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[used..<end]))
      while filled < count, error == 0, descriptor >= 0 {
        let got = read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
        filled += max(got, 0)
        if got < 0, errno != EINTR { error = errno }
        if got == 0 {
          close(descriptor)
          descriptor = -1
        }
      }
    }
    (used, end) = (0, filled)
    if error != 0 { throw CaptureReadError(.unreadable(CaptureFailure(.read, path, code: error)), at: offset) }
  }
}

/// Integers at places of a block, in its byte order. The caller has checked that they lie inside.
struct EndianBytes {
  let bytes: Bytes
  let isBigEndian: Bool

  @inline(__always) func half(_ at: Int) -> UInt16 { load(at) }
  @inline(__always) func word(_ at: Int) -> UInt32 { load(at) }
  @inline(__always) func long(_ at: Int) -> UInt64 { load(at) }

  @inline(__always)
  private func load<Number: FixedWidthInteger & BitwiseCopyable>(_ at: Int) -> Number {
    bytes.withUnsafeBytes { buffer in
      precondition(at >= 0 && at <= buffer.count - MemoryLayout<Number>.size, "a number outside of its bytes")
      let number = buffer.loadUnaligned(fromByteOffset: at, as: Number.self)
      return isBigEndian ? Number(bigEndian: number) : Number(littleEndian: number)
    }
  }
}
