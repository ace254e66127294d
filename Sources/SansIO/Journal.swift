/// Everything that happens in a run, as a stream to sinks: verdict, captures and reports are views of it. Nothing keeps a whole run.
public protocol JournalSink: AnyObject {
  /// A host joined the run.
  func hostAdded(_ host: HostID, name: String)
  /// A host that joined passes on what others send, such as a NAT.
  func forwards(_ host: HostID)
  func packet(_ packet: PacketRecord)
  func record(_ record: JournalRecord)
  /// The run is over; files are completed here.
  func finish(at now: Instant)
}

extension JournalSink {
  public func forwards(_ host: HostID) {}
}

/// A record that is no packet.
public struct JournalRecord: Sendable {
  public enum Body: Sendable {
    case event(any HostEvent)
    /// TLS secrets; only capture writers read these.
    case secret(KeyLogLine)
    /// What a TLS connection carried; only capture writers read these.
    case plaintext(PlaintextRecord)
    /// A step of the scenario or a command to a host, as a line.
    case step(String)
    case bound(TransportAddress, PortKind)
    case unbound(TransportAddress, PortKind)
    case bindFailed(TransportAddress, BindFailure)
    /// A finding that cites frames of captures; `frames` are (host, frame).
    case finding(text: String, frames: [FrameCitation])
    case note(String)
  }

  public var at: Instant
  public var host: HostID
  public var body: Body

  public init(at: Instant, host: HostID, _ body: Body) {
    self.at = at
    self.host = host
    self.body = body
  }
}

/// `host#frame`: one packet of one host's capture.
public struct FrameCitation: Hashable, Sendable {
  public var host: HostID
  public var frame: UInt32
  public init(_ host: HostID, _ frame: UInt32) {
    self.host = host
    self.frame = frame
  }
}
