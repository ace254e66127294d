import Glibc
import SansIO

/// The bytes of a file or of memory, taken from the front. A file is read in chunks that the taken pieces share.
public final class ByteInput {
  private static let chunkSize = 256 << 10

  // Taken from for every block by code that cannot overlap itself.
  @exclusivity(unchecked) private var chunk: Bytes
  @exclusivity(unchecked) private var used = 0
  private var descriptor: Int32
  private let path: String
  /// Bytes taken so far.
  @exclusivity(unchecked) public private(set) var offset = 0

  public init(_ bytes: Bytes) {
    chunk = bytes
    descriptor = -1
    path = ""
  }

  public init(path: String) throws(CaptureReadError) {
    chunk = Bytes()
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw CaptureReadError(.unreadable(CaptureFailure(.open, path, code: errno)), at: 0) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The next bytes without taking them; fewer than `count` where the input ends.
  public func peek(_ count: Int) throws(CaptureReadError) -> Bytes {
    if chunk.count - used < count { try refill(atLeast: count) }
    return chunk[used..<min(used + count, chunk.count)]
  }

  /// Takes exactly `count` bytes; an input that ends before is an error.
  public func take(_ count: Int) throws(CaptureReadError) -> Bytes {
    if chunk.count - used < count { try refill(atLeast: count) }
    guard chunk.count - used >= count else { throw CaptureReadError(.cut(needed: count), at: offset) }
    let taken = chunk[used..<used + count]
    used += count
    offset += count
    return taken
  }

  public var isAtEnd: Bool {
    get throws(CaptureReadError) {
      if chunk.count - used > 0 { return false }
      return try peek(1).isEmpty
    }
  }

  private func refill(atLeast count: Int) throws(CaptureReadError) {
    guard descriptor >= 0 else { return }
    let wanted = max(count, Self.chunkSize)
    var error: Int32 = 0
    let rest = chunk[used..<chunk.count]
    let fresh = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
      rest.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      filled = rest.count
      while filled < count, error == 0, descriptor >= 0 {
        let got = read(descriptor, buffer.baseAddress.map { $0 + filled }, wanted - filled)
        filled += max(got, 0)
        if got < 0, errno != EINTR { error = errno }
        if got == 0 {
          close(descriptor)
          descriptor = -1
        }
      }
    }
    chunk = Bytes(fresh)
    used = 0
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
