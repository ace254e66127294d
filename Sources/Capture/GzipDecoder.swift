import CZlib

/// Unpacks gzip (RFC 1952) piece by piece: members one after another, as `gzip` and the rotation of tcpdump leave them.
///
/// ```
///   between members ──(1F 8B)──► in a member ──(its end)──► between members
///        │                            │
///        └─(anything else)─► ended    └─(damage, no more input)─► failure
/// ```
final class GzipDecoder {
  enum Failure: Error {
    /// The file ends inside a member.
    case cut
    case damaged
    /// The file below cannot be read on; the system's error number.
    case read(Int32)
  }

  /// What a gzip file begins with.
  static func recognises(_ head: some Collection<UInt8>) -> Bool { head.starts(with: [0x1F, 0x8B]) }

  // zlib keeps the address of its stream.
  private let stream: UnsafeMutablePointer<z_stream>
  private var packed: [UInt8]
  private var next = 0
  private var end: Int
  private let more: (inout [UInt8]) throws(Failure) -> Int
  private var isInMember = false
  private var isOver = false
  /// Told when what stood before it was given.
  private var damage: Failure?

  /// - Parameters:
  ///   - packed: the first bytes.
  ///   - more: puts the next ones over those, and says how many they are; 0 at the end.
  init?(_ packed: [UInt8], more: @escaping (inout [UInt8]) throws(Failure) -> Int) {
    (self.packed, self.more) = (packed, more)
    end = packed.count
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard czlib_begin_gzip(stream) == Z_OK else { return nil }
  }

  deinit {
    inflateEnd(stream)
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// The next bytes; 0 at the end, whatever stands behind the last member.
  func read(into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    if let damage { throw damage }
    guard let place = output.bindMemory(to: UInt8.self).baseAddress, !isOver else { return 0 }
    stream.pointee.next_out = place
    stream.pointee.avail_out = UInt32(clamping: output.count)
    let wanted = Int(stream.pointee.avail_out)
    while Int(stream.pointee.avail_out) == wanted {
      if next == end, try !refill() { break }
      if !isInMember, !beginMember() { break }
      inflateOn()
      if let damage, Int(stream.pointee.avail_out) == wanted { throw damage }
      if damage != nil { break }
    }
    return wanted - Int(stream.pointee.avail_out)
  }

  private func refill() throws(Failure) -> Bool {
    (next, end) = (0, try more(&packed))
    guard end == 0 else { return true }
    isOver = true
    if isInMember { throw .cut }
    return false
  }

  /// A byte that no member begins with ends the data, as padding does.
  private func beginMember() -> Bool {
    guard packed[next] == 0x1F, next + 1 == end || packed[next + 1] == 0x8B else {
      isOver = true
      return false
    }
    inflateReset(stream)
    isInMember = true
    return true
  }

  private func inflateOn() {
    let (start, end) = (next, end)
    var (status, used) = (Z_OK, 0)
    packed.withUnsafeMutableBufferPointer { buffer in
      stream.pointee.next_in = buffer.baseAddress.map { $0 + start }
      stream.pointee.avail_in = UInt32(clamping: end - start)
      let given = stream.pointee.avail_in
      status = inflate(stream, Z_NO_FLUSH)
      used = Int(given - stream.pointee.avail_in)
    }
    next += used
    switch status {
    case Z_STREAM_END: isInMember = false
    // What is left over is asked for again with more input, or more room.
    case Z_OK, Z_BUF_ERROR: break
    default: damage = .damaged
    }
  }
}
