import Glibc
import SansIO

/// Bytes on their way to a file or into memory, gathered so that the system is called once per buffer.
///
/// The first failure is remembered and what comes after it is dropped: the owner looks at ``failure`` when it likes.
public final class ByteOutput {
  /// How an output uses its file.
  public enum Holding: Hashable, Sendable {
    /// Open from the beginning to the end. Buffers leave in portions, so a block of a format may be cut between two of them.
    case throughout
    /// Made by the first hand-over, and open only while one writes: for many files at a time. See ``init(live:keepsOpen:)``.
    case whileWriting
    /// Made by the first hand-over and open from then on.
    case fromFirstWrite
  }

  /// 256 KiB: large enough that the call costs little beside the copy, small enough for a host each.
  public static let standardBuffer = 256 << 10
  /// What an ordinary packet needs beyond a full portion.
  private static let slack = 8 << 10
  /// What a live output gathers at most while its file cannot be written.
  private static let patience = 256 << 10

  // Touched for every packet by code that cannot overlap itself: the checks of exclusive access cost as much as the writing.
  @exclusivity(unchecked) private var buffer: UnsafeMutableRawPointer
  @exclusivity(unchecked) private var capacity: Int
  @exclusivity(unchecked) private var filled = 0
  private var flushed = 0
  private var descriptor: Int32
  /// Full buffers of an output into memory.
  private var memory: [Bytes] = []
  private let isFile: Bool
  private let holding: Holding
  private var exists = false
  /// How much one call hands over.
  private let portion: Int
  /// Where the bytes go; empty for memory.
  public let path: String
  public private(set) var failure: CaptureFailure?

  /// Creates (or empties) the file at `path`.
  public init(path: String, buffer size: Int = ByteOutput.standardBuffer) {
    self.path = path
    isFile = true
    holding = .throughout
    portion = max(size, 4096)
    capacity = portion + Self.slack
    buffer = .allocate(byteCount: capacity, alignment: 16)
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 { failure = CaptureFailure(.open, path, code: errno) }
  }

  /// The file of a live host, for evidence that has to outlive its writer.
  ///
  /// Each hand-over writes everything that was gathered, so that what is on the disk always ends with a whole block, and gives the
  /// buffer back. What could not be written is kept, up to 256 KiB, and tried again with the next hand-over. The file must not exist yet.
  /// - Parameter keepsOpen: between two hand-overs; a descriptor fewer for each file that is not kept open.
  public init(live path: String, keepsOpen: Bool = false) {
    self.path = path
    isFile = true
    holding = keepsOpen ? .fromFirstWrite : .whileWriting
    portion = 16 << 10
    capacity = 0
    buffer = .allocate(byteCount: 16, alignment: 16)
    descriptor = -1
  }

  /// Collects the bytes in memory, to be read from ``bytes``.
  public init() {
    path = ""
    isFile = false
    holding = .throughout
    portion = 64 << 10
    capacity = portion + Self.slack
    buffer = .allocate(byteCount: capacity, alignment: 16)
    descriptor = -1
  }

  deinit {
    // A live file that nothing was handed over to is not made now.
    if holding == .throughout { close() } else { release() }
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

  /// Whether what is appended now would not fit beside what could not be written. Only ``init(live:keepsOpen:)`` can be full.
  public var isFull: Bool { holding != .throughout && filled >= Self.patience }
  /// Bytes that no hand-over has written yet.
  public var pending: Int { filled }

  private func hand(over count: Int) {
    guard count > 0 else { return }
    guard holding == .throughout else { return handOverLive() }
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
    release()
  }

  private func release() {
    guard descriptor >= 0 else { return }
    if Glibc.close(descriptor) != 0, failure == nil { failure = CaptureFailure(.close, path, code: errno) }
    descriptor = -1
  }

  /// Writes all or nothing: what a full disk took of it is cut off again.
  private func handOverLive() {
    defer { if holding == .whileWriting { release() } }
    if descriptor < 0 {
      descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | (exists ? 0 : O_CREAT | O_EXCL), 0o644)
      guard descriptor >= 0 else {
        if failure == nil { failure = CaptureFailure(.open, path, code: errno) }
        return
      }
      exists = true
    }
    if let problem = writeBuffer(filled) {
      if failure == nil { failure = problem }
      _ = ftruncate(descriptor, off_t(flushed))
      return
    }
    flushed += filled
    filled = 0
    buffer.deallocate()
    buffer = .allocate(byteCount: 16, alignment: 16)
    capacity = 0
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
    let wanted = holding == .throughout ? filled + room : max(filled + room, filled + portion + Self.slack)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
    larger.copyMemory(from: buffer, byteCount: filled)
    buffer.deallocate()
    capacity = wanted
    buffer = larger
  }
}
