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

/// One pcapng file of one host: what tcpdump on that host would have written, with labels, fates and secrets.
///
/// Usable alone, for one call or until ``byteCount`` calls for the next file.
public final class CaptureFile {
  public let output: ByteOutput
  private let writer: PcapngWriter
  private let epoch: Epoch
  private let options: CaptureOptions
  private let interface: UInt32
  private var firstTime: UInt64 = 0
  @exclusivity(unchecked) private var lastTime: UInt64 = 0
  @exclusivity(unchecked) private var isClosed = false
  @exclusivity(unchecked) private var held: PacketRecord?

  /// Packets written so far; the file's frames are numbered from 1 up to this.
  @exclusivity(unchecked) public private(set) var frames: UInt32 = 0
  /// ``PacketRecord/frame`` of the file's first packet: frame `n` of the file is record `firstFrame + n - 1`.
  @exclusivity(unchecked) public private(set) var firstFrame: UInt32 = 1
  /// Packets whose number did not follow the one before: numbers in findings then cite another packet.
  public private(set) var misnumbered = 0

  /// - Parameter interface: the host's name, which readers show as the interface's.
  public init(_ output: ByteOutput, interface name: String, epoch: Epoch, options: CaptureOptions = CaptureOptions()) {
    self.output = output
    self.epoch = epoch
    self.options = options
    var writer = PcapngWriter(output, origin: options.origin)
    interface = writer.addInterface(named: name, linkType: options.linkType)
    self.writer = writer
  }

  public var byteCount: Int { output.count }
  public var failure: CaptureFailure? { output.failure }

  /// Writes the packet. One that came over TCP is held until the next one: the host may find TLS secrets in it, and readers want those
  /// before the record that they open.
  public func append(_ packet: PacketRecord) {
    guard !isClosed else { return }
    if let earlier = held.take() { write(earlier) }
    if packet.direction == .received, case .tcp = packet.carrier, !packet.payload.isEmpty { held = packet } else { write(packet) }
  }

  private func write(_ packet: PacketRecord) {
    let time = UInt64(max(epoch.unixNanoseconds(at: packet.at), 0))
    if frames == 0 {
      firstTime = time
      firstFrame = packet.frame
    }
    if packet.frame != firstFrame &+ frames { misnumbered += 1 }
    lastTime = time
    frames &+= 1
    writer.write(packet, at: time, interface: interface, linkType: options.linkType)
  }

  /// Written at once, before the packet that brought it.
  public func append(_ secret: KeyLogLine) {
    guard !isClosed, options.writesSecrets else { return }
    writer.writeSecrets(secret)
  }

  /// Ends the file with the interface's statistics. What comes later is dropped.
  /// - Parameter now: when the capture ended; nil = with its last packet.
  public func close(at now: Instant? = nil) {
    guard !isClosed else { return }
    if let last = held.take() { write(last) }
    isClosed = true
    let time = now.map { UInt64(max(epoch.unixNanoseconds(at: $0), 0)) } ?? lastTime
    if frames > 0 {
      writer.writeStatistics(interface: interface, at: time, from: firstTime, to: lastTime, packets: UInt64(frames))
    }
    output.close()
  }
}
