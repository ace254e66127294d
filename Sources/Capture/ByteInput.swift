import Glibc
import SansIO

/// The bytes of a file or of memory, taken from the front. A file is read in chunks that the taken pieces share.
public final class ByteInput {
  private static let chunkSize = 256 << 10

  private var chunk: Bytes
  private var used = 0
  private var descriptor: Int32
  private let path: String
  /// Bytes taken so far.
  public private(set) var offset = 0

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
    let taken = try peek(count)
    guard taken.count == count else { throw CaptureReadError(.cut(needed: count), at: offset) }
    used += count
    offset += count
    return taken
  }

  public var isAtEnd: Bool {
    get throws(CaptureReadError) { try peek(1).isEmpty }
  }

  private func refill(atLeast count: Int) throws(CaptureReadError) {
    guard descriptor >= 0 else { return }
    var fresh = Array(chunk[used..<chunk.count])
    let wanted = max(count, Self.chunkSize)
    var error: Int32 = 0
    while fresh.count < count, error == 0, descriptor >= 0 {
      let room = wanted - fresh.count
      let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
        let got = read(descriptor, buffer.baseAddress, room)
        filled = max(got, 0)
        if got < 0, errno != EINTR { error = errno }
        if got == 0 {
          close(descriptor)
          descriptor = -1
        }
      }
      fresh.append(contentsOf: piece)
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

  func half(_ at: Int) -> UInt16 {
    let (first, second) = (UInt16(bytes[at]), UInt16(bytes[at + 1]))
    return isBigEndian ? first << 8 | second : second << 8 | first
  }

  func word(_ at: Int) -> UInt32 {
    let (first, second) = (UInt32(half(at)), UInt32(half(at + 2)))
    return isBigEndian ? first << 16 | second : second << 16 | first
  }

  func long(_ at: Int) -> UInt64 {
    let (first, second) = (UInt64(word(at)), UInt64(word(at + 4)))
    return isBigEndian ? first << 32 | second : second << 32 | first
  }
}
