import SansIO

/// What a stage saw of packets. The engine asks only when it has made a finding, so that a run that passes pays for nothing.
public protocol PacketWitness {
  /// All rules that the members' packets show broken as of now, in the order of the cast and of the frames.
  func breaches(at now: Instant) -> [SeenBreach]
  /// What a frame is; nil where it is not kept any more.
  func exhibit(_ frame: FrameCitation) -> Exhibit?
  /// What became of the packets that a member of the cast sent, by kind and destination; `isWhole`: since the run began, else since the
  /// last step that did something.
  func flows(of member: Int, isWhole: Bool) -> [PacketFlow]
  /// Messages of a kind that a member sent, the newest last; few.
  func sent(by member: Int, _ subject: Label.Subject) -> [Bytes]
}

/// What became of the packets of one kind that one member sent to one address.
public struct PacketFlow: Hashable, Sendable {
  public enum Effect: Hashable, Sendable {
    /// By the link, and why.
    case lost(LossCause)
    /// It arrived with a flipped bit.
    case corrupted
    case dropped(fault: String)
    case delayed(fault: String)
    case changed(fault: String)
    /// Nobody has the address.
    case unroutable
    /// By a NAT, on the way out.
    case filtered

    /// Whether the packet did not arrive.
    var isLoss: Bool {
      switch self {
      case .lost, .dropped, .unroutable, .filtered: true
      case .delayed, .changed, .corrupted: false
      }
    }
  }

  public struct Part: Hashable, Sendable {
    public var effect: Effect
    public var count: Int

    public init(_ effect: Effect, _ count: Int) { (self.effect, self.count) = (effect, count) }
  }

  public var subject: Label.Subject
  public var destination: TransportAddress
  /// Retransmissions are packets of their own.
  public var sent: Int
  /// Those that did not simply arrive.
  public var parts: [Part]

  public init(subject: Label.Subject, destination: TransportAddress, sent: Int, parts: [Part]) {
    (self.subject, self.destination, self.sent, self.parts) = (subject, destination, sent, parts)
  }

  var arrived: Int { sent - parts.filter(\.effect.isLoss).reduce(0) { $0 + $1.count } }
}

extension Label.Subject {
  /// The method of a SIP message, as labels have it.
  var method: Label.Word? {
    switch self {
    case .request(let word), .response(_, let word): word
    case .none, .keepAlive, .rtp, .rtcp, .dtls, .tlsHandshake, .tlsClose, .raw: nil
    }
  }

  /// As a finding names it: `200 INVITE`, `RTP`.
  var kindName: String {
    switch self {
    case .rtp: "RTP"
    case .none: "TCP SYN"
    case .request, .response, .keepAlive, .rtcp, .dtls, .tlsHandshake, .tlsClose, .raw: description
    }
  }
}
