import SansIO

/// How captures are written.
public struct CaptureOptions: Hashable, Sendable {
  /// `.rawIP` or `.ethernet`; anything else is our own misuse.
  public var linkType: LinkType
  /// Whether TLS secrets go into the files. Without them nobody can decrypt the capture, us included.
  public var writesSecrets: Bool
  public var origin: CaptureOrigin

  public init(linkType: LinkType = .rawIP, writesSecrets: Bool = true, origin: CaptureOrigin = .virtual) {
    precondition(linkType == .rawIP || linkType == .ethernet, "frames are written as raw IP or Ethernet")
    self.linkType = linkType
    self.writesSecrets = writesSecrets
    self.origin = origin
  }
}

/// Takes out of packets what must not reach a file. One looks at the packets of one host, in their order.
public protocol PacketRedactor: AnyObject {
  /// The payload of the same length without it; nil where the packet has nothing of the kind.
  func redacted(_ packet: PacketRecord) -> Bytes?
  /// What the comment of such a packet says.
  var remark: StaticString { get }
}

/// One pcapng file of one host: what tcpdump on that host would have written, with labels, fates and secrets.
///
/// Usable alone, for one call or until ``byteCount`` calls for the next file.
public final class CaptureFile {
  /// An interface of the file and what it carried.
  private struct Interface {
    let number: UInt32
    var firstTime: UInt64 = 0
    var lastTime: UInt64 = 0
    var frames: UInt64 = 0

    /// One more packet.
    mutating func count(at time: UInt64) {
      if frames == 0 { firstTime = time }
      lastTime = time
      frames += 1
    }
  }

  public let output: ByteOutput
  @exclusivity(unchecked) private var writer: PcapngWriter
  private let epoch: Epoch
  private let options: CaptureOptions
  private let redactor: (any PacketRedactor)?
  @exclusivity(unchecked) private var interfaces: [Interface] = []
  @exclusivity(unchecked) private var isClosed = false
  @exclusivity(unchecked) private var held: [(packet: PacketRecord, interface: Int)] = []
  /// The client random of a handshake of TLS 1.3 that has logged the server's secret and not the client's: readers want both before the
  /// ServerHello, and a client finds its own with the server's last message (RFC 8446 §7.1).
  private var awaited: Substring?
  /// Packets that wait for it at most.
  private static let mostHeld = 64

  /// Packets written so far; the file's frames are numbered from 1 up to this.
  @exclusivity(unchecked) public private(set) var frames: UInt32 = 0
  /// ``PacketRecord/frame`` of the file's first packet: frame `n` of the file is record `firstFrame + n - 1`.
  @exclusivity(unchecked) public private(set) var firstFrame: UInt32 = 1
  /// Packets whose number did not follow the one before: numbers in findings then cite another packet.
  public private(set) var misnumbered = 0
  /// Packets that found no room while the file could not be written.
  public private(set) var dropped = 0
  /// Packets since the last flush that reached the file.
  @exclusivity(unchecked) private var unflushed = 0

  /// - Parameters:
  ///   - interface: the host's name, which readers show as the interface's.
  ///   - comment: on the whole file; empty = none.
  ///   - redactor: takes out what must not be written.
  public init(
    _ output: ByteOutput, interface name: String, epoch: Epoch, options: CaptureOptions = CaptureOptions(), comment: String = "",
    redactor: (any PacketRedactor)? = nil
  ) {
    self.redactor = redactor
    self.output = output
    self.epoch = epoch
    self.options = options
    writer = PcapngWriter(output, origin: options.origin, comment: comment)
    _ = addInterface(named: name)
  }

  public var byteCount: Int { output.count }
  public var failure: CaptureFailure? { output.failure }
  /// Packets that are not in the file: dropped, or gathered since it cannot be written any more.
  public var unwritten: Int { dropped + (failure == nil ? 0 : unflushed) }

  /// One more interface beside the host's own, which is 0, for packets that were seen in another way.
  public func addInterface(named name: String, description: String = "") -> Int {
    interfaces.append(Interface(number: writer.addInterface(named: name, linkType: options.linkType, description: description)))
    return interfaces.count - 1
  }

  /// Writes the packet. One that may have brought records of TLS or DTLS is held until the next one: the host may find secrets in it, and
  /// readers want those before the record that they open.
  /// - Parameter remark: what its comment says besides.
  public func append(_ packet: PacketRecord, interface: Int = 0, remark: StaticString? = nil) {
    guard !isClosed else { return }
    if !held.isEmpty, awaited == nil || held.count >= Self.mostHeld { release() }
    guard redactor == nil, remark == nil else { return appendRedacted(packet, interface, remark) }
    if !held.isEmpty || Self.mayBringSecrets(packet) { held.append((packet, interface)) } else { write(packet, interface, nil) }
  }

  private func appendRedacted(_ packet: PacketRecord, _ interface: Int, _ remark: StaticString?) {
    guard let redactor, let payload = redactor.redacted(packet) else { return write(packet, interface, remark) }
    var packet = packet
    packet.payload = payload
    write(packet, interface, redactor.remark)
  }

  @inline(__always)
  private static func mayBringSecrets(_ packet: PacketRecord) -> Bool {
    guard packet.direction == .received else { return false }
    switch packet.carrier {
    case .tcp: return !packet.payload.isEmpty
    // Content types of DTLS (RFC 7983 §7).
    case .udp: return packet.payload.first.map { $0 >= 20 && $0 <= 25 } ?? false
    }
  }

  private func release() {
    awaited = nil
    guard !held.isEmpty else { return }
    for earlier in held { write(earlier.packet, earlier.interface, nil) }
    held.removeAll(keepingCapacity: true)
  }

  private func write(_ packet: PacketRecord, _ interface: Int, _ remark: StaticString?) {
    guard !output.isFull else { return dropped += 1 }
    let time = UInt64(max(epoch.unixNanoseconds(at: packet.at), 0))
    interfaces[interface].count(at: time)
    if frames == 0 { firstFrame = packet.frame }
    if packet.frame != firstFrame &+ frames { misnumbered += 1 }
    frames &+= 1
    unflushed += 1
    writer.write(packet, at: time, interface: interfaces[interface].number, linkType: options.linkType, remark: remark)
  }

  /// Written at once, before the packet that brought it.
  public func append(_ secret: KeyLogLine) {
    guard !isClosed, options.writesSecrets else { return }
    writer.writeSecrets(secret)
    let words = secret.line.split(separator: " ")
    guard words.count == 3 else { return }
    switch words[0] {
    case "SERVER_HANDSHAKE_TRAFFIC_SECRET" where awaited == nil: awaited = words[1]
    case "CLIENT_HANDSHAKE_TRAFFIC_SECRET" where awaited == words[1]: awaited = nil
    default: break
    }
  }

  /// What happened at that time without a packet, such as one that was not sent: a comment that belongs to no frame.
  public func append(note text: String, at now: Instant) {
    guard !isClosed, !output.isFull else { return }
    release()
    writer.writeNote(text, interface: interfaces[0].number, at: UInt64(max(epoch.unixNanoseconds(at: now), 0)))
  }

  /// Hands over what was written so far, the packet that was held included: the host has dealt with it.
  public func flush() {
    release()
    output.flush()
    if output.pending == 0 { unflushed = 0 }
  }

  /// Ends the file with the statistics of its interfaces. What comes later is dropped.
  /// - Parameter now: when the capture ended; nil = with its last packet.
  public func close(at now: Instant? = nil) {
    guard !isClosed else { return }
    release()
    isClosed = true
    for interface in interfaces where interface.frames > 0 {
      let time = now.map { UInt64(max(epoch.unixNanoseconds(at: $0), 0)) } ?? interface.lastTime
      writer.writeStatistics(
        interface: interface.number, at: time, from: interface.firstTime, to: interface.lastTime, packets: interface.frames)
    }
    output.close()
    if output.pending == 0 { unflushed = 0 }
  }
}
