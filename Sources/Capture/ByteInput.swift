import Glibc
import SansIO

/// The bytes of a file or of memory, taken from the front. A file is read in chunks that the taken pieces share; what gzip packed is
/// unpacked as it is read.
public final class ByteInput {
  private static let chunkSize = 256 << 10

  // Taken from for every block by code that cannot overlap itself.
  @exclusivity(unchecked) private var chunk: [UInt8]
  @exclusivity(unchecked) private var used = 0
  /// Of the chunk.
  @exclusivity(unchecked) private var end: Int
  private var descriptor: Int32
  private let path: String
  @exclusivity(unchecked) private var packed: GzipDecoder?
  /// Bytes taken so far, of what was unpacked.
  @exclusivity(unchecked) public private(set) var offset = 0

  public init(_ bytes: Bytes) {
    chunk = bytes.array
    end = bytes.count
    descriptor = -1
    path = ""
    if GzipDecoder.recognises(chunk) { unpack(chunk) { _ in 0 } }
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

  /// The file is packed with gzip; known once its first byte was looked at.
  public var isPacked: Bool { packed != nil }

  public var isAtEnd: Bool {
    get throws(CaptureReadError) {
      if end - used > 0 { return false }
      return try peek(1).isEmpty
    }
  }

  /// Reads on in the same memory, which is copied when somebody keeps a piece of it: large chunks that come and go cost the allocator a
  /// tenth of the time in which a capture is read.
  private func refill(atLeast count: Int) throws(CaptureReadError) {
    guard descriptor >= 0 || packed != nil else { return }
    let isFirst = chunk.isEmpty
    let wanted = max(count, Self.chunkSize)
    if chunk.count < wanted { chunk += [UInt8](repeating: 0, count: wanted - chunk.count) }
    var (problem, filled) = (GzipDecoder.Failure?.none, end - used)
    chunk.withUnsafeMutableBytes { buffer in
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[used..<end]))
      do throws(GzipDecoder.Failure) {
        while filled < count {
          let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
          let got = if let packed { try packed.read(into: room) } else { try readFile(into: room) }
          filled += got
          if got == 0 { break }
        }
      } catch { problem = error }
    }
    (used, end) = (0, filled)
    if let problem { throw CaptureReadError(failed(problem), at: offset + filled) }
    if isFirst, GzipDecoder.recognises(chunk[0..<min(2, end)]) {
      unpack(Array(chunk[0..<end])) { [unowned self] packed throws(GzipDecoder.Failure) in
        var (got, problem) = (0, GzipDecoder.Failure?.none)
        if packed.count < Self.chunkSize { packed = [UInt8](repeating: 0, count: Self.chunkSize) }
        packed.withUnsafeMutableBytes { buffer in
          do throws(GzipDecoder.Failure) { got = try readFile(into: buffer) } catch { problem = error }
        }
        if let problem { throw problem }
        return got
      }
      try refill(atLeast: count)
    }
  }

  private func unpack(_ first: [UInt8], more: @escaping (inout [UInt8]) throws(GzipDecoder.Failure) -> Int) {
    packed = GzipDecoder(first, more: more)
    (used, end) = (0, 0)
  }

  /// 0 at the end.
  private func readFile(into buffer: UnsafeMutableRawBufferPointer) throws(GzipDecoder.Failure) -> Int {
    while descriptor >= 0 {
      let got = read(descriptor, buffer.baseAddress, buffer.count)
      if got > 0 { return got }
      guard got == 0 || errno == EINTR else { throw .read(errno) }
      if got == 0 {
        close(descriptor)
        descriptor = -1
      }
    }
    return 0
  }

  private func failed(_ failure: GzipDecoder.Failure) -> CaptureReadError.Rule {
    switch failure {
    case .cut: .packing(isCut: true)
    case .damaged: .packing(isCut: false)
    case .read(let code): .unreadable(CaptureFailure(.read, path, code: code))
    }
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
