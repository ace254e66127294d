import Glibc
import SansIO

/// Bytes on their way to a file or into memory, gathered so that the system is called once per buffer.
///
/// The first failure is remembered and what comes after it is dropped: the owner looks at ``failure`` when it likes.
public final class ByteOutput {
  /// 256 KiB: large enough that the call costs little beside the copy, small enough for a host each.
  public static let standardBuffer = 256 << 10
  /// What an ordinary packet needs beyond a full portion.
  private static let slack = 8 << 10

  // Touched for every packet by code that cannot overlap itself: the checks of exclusive access cost as much as the writing.
  @exclusivity(unchecked) private var buffer: UnsafeMutableRawPointer
  @exclusivity(unchecked) private var capacity: Int
  @exclusivity(unchecked) private var filled = 0
  private var flushed = 0
  private var descriptor: Int32
  /// Full buffers of an output into memory.
  private var memory: [Bytes] = []
  private let isFile: Bool
  /// How much one call hands over.
  private let portion: Int
  /// Where the bytes go; empty for memory.
  public let path: String
  public private(set) var failure: CaptureFailure?

  /// Creates (or empties) the file at `path`.
  public init(path: String, buffer size: Int = ByteOutput.standardBuffer) {
    self.path = path
    isFile = true
    portion = max(size, 4096)
    capacity = portion + Self.slack
    buffer = .allocate(byteCount: capacity, alignment: 16)
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 { failure = CaptureFailure(.open, path, code: errno) }
  }

  /// Collects the bytes in memory, to be read from ``bytes``.
  public init() {
    path = ""
    isFile = false
    portion = 64 << 10
    capacity = portion + Self.slack
    buffer = .allocate(byteCount: capacity, alignment: 16)
    descriptor = -1
  }

  deinit {
    close()
    buffer.deallocate()
  }

  /// How many bytes were written so far, with those still in the buffer.
  public var count: Int { flushed + filled }

  /// What was written, for an output into memory; empty for a file.
  public var bytes: Bytes {
    flush()
    guard memory.count > 1 else { return memory.first ?? Bytes() }
    var whole: [UInt8] = []
    whole.reserveCapacity(flushed)
    for part in memory { part.withUnsafeBytes { whole.append(contentsOf: $0) } }
    memory = [Bytes(whole)]
    return memory[0]
  }

  public func append(_ bytes: Bytes) {
    bytes.withUnsafeBytes { source in append(atMost: source.count) { $0.bytes(source) } }
  }

  /// Hands the buffer to the system.
  public func flush() { hand(over: filled) }

  private func hand(over count: Int) {
    guard count > 0 else { return }
    if !isFile {
      memory.append(Bytes(Array(UnsafeRawBufferPointer(start: buffer, count: count))))
    } else if failure == nil {
      failure = writeBuffer(count)
    }
    flushed += count
    filled -= count
    if filled > 0 { buffer.copyMemory(from: buffer + count, byteCount: filled) }
  }

  public func close() {
    flush()
    guard descriptor >= 0 else { return }
    if Glibc.close(descriptor) != 0, failure == nil { failure = CaptureFailure(.close, path, code: errno) }
    descriptor = -1
  }

  private func writeBuffer(_ count: Int) -> CaptureFailure? {
    guard descriptor >= 0 else { return CaptureFailure(.write, path, code: EBADF) }
    var done = 0
    while done < count {
      let written = write(descriptor, buffer + done, count - done)
      if written > 0 {
        done += written
      } else if written < 0, errno == EINTR {
        continue
      } else {
        return CaptureFailure(.write, path, code: written == 0 ? EIO : errno)
      }
    }
    return nil
  }
}

extension ByteOutput {
  /// Lets `body` write up to `room` bytes in place. What it touches beyond its last byte must lie within `room` too.
  @inline(__always)
  func append(atMost room: Int, _ body: (inout ByteCursor) -> Void) {
    if capacity - filled < room { makeRoom(room) }
    let start = buffer + filled
    var cursor = ByteCursor(start)
    body(&cursor)
    let written = cursor.position - start
    precondition(written <= room, "more bytes were written than reserved")
    filled += written
  }

  @inline(never)
  private func makeRoom(_ room: Int) {
    // Whole multiples leave, so that each write fills pages that no other write touches.
    hand(over: filled >= portion ? filled / portion * portion : filled)
    guard capacity - filled < room else { return }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: filled + room, alignment: 16)
    larger.copyMemory(from: buffer, byteCount: filled)
    buffer.deallocate()
    capacity = filled + room
    buffer = larger
  }
}
