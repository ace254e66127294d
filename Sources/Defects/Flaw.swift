import RTP
import SansIO

/// What a host does wrong on the wire: changes of each SIP message, RTP packet and RTCP packet, as they leave or before they arrive.
///
/// What is left alone goes on byte for byte. A SIP message inside TLS is never seen.
public struct Flaw: Sendable {
  public typealias MessageChange = @Sendable (inout MessageEdit, inout Passage, inout Memory) -> Void
  public typealias MediaChange = @Sendable (inout RTPPacket, inout Passage, inout Memory) -> Void
  public typealias ReportChange = @Sendable (inout [RTCPPacket], inout Passage, inout Memory) -> Void

  var sends: MessageChange?
  var receives: MessageChange?
  var speaks: MediaChange?
  var hears: MediaChange?
  var reports: ReportChange?

  public init(
    sends: MessageChange? = nil, receives: MessageChange? = nil, speaks: MediaChange? = nil, hears: MediaChange? = nil,
    reports: ReportChange? = nil
  ) {
    (self.sends, self.receives, self.speaks, self.hears, self.reports) = (sends, receives, speaks, hears, reports)
  }

  /// It looks at everything and changes nothing.
  public static let none = Flaw(
    sends: { _, _, _ in }, receives: { _, _, _ in }, speaks: { _, _, _ in }, hears: { _, _, _ in }, reports: { _, _, _ in })
}

extension Defect.Change {
  static func sends(_ change: @escaping Flaw.MessageChange) -> Self { .flaw(Flaw(sends: change)) }
  static func receives(_ change: @escaping Flaw.MessageChange) -> Self { .flaw(Flaw(receives: change)) }
  static func both(sends: @escaping Flaw.MessageChange, receives: @escaping Flaw.MessageChange) -> Self {
    .flaw(Flaw(sends: sends, receives: receives))
  }
  static func speaks(_ change: @escaping Flaw.MediaChange) -> Self { .flaw(Flaw(speaks: change)) }
  static func reports(_ change: @escaping Flaw.ReportChange) -> Self { .flaw(Flaw(reports: change)) }
}

/// One message or packet on its way through a ``DefectiveHost``.
public struct Passage: Sendable {
  /// What becomes of it.
  public enum Fate: Hashable, Sendable {
    case goes
    case lost
    case waits(Duration)
  }

  /// How it travels over a connection, if not as the host wanted.
  public enum Connection: Hashable, Sendable {
    case asMeant
    /// A connection of its own is opened for it.
    case another(TransportAddress)
  }

  public struct Extra: Sendable {
    var bytes: Bytes
    /// nil = where the other goes.
    var to: TransportAddress?
    var after: Duration
  }

  public let now: Instant
  /// Where a datagram goes to or came from; of a connection the other end, where it is known.
  public var remote: TransportAddress?
  public let isStream: Bool
  /// What the host meant by what it sends; nothing of what arrives.
  public let label: Label
  /// The host's port of a datagram.
  public var port: PortID?
  public var fate = Fate.goes
  public var connection = Connection.asMeant
  /// What leaves besides.
  public private(set) var extras: [Extra] = []
  /// A datagram port of the host's address is opened, before the host sees what arrives.
  public var opensPort = false
  /// The connection ends after it.
  public var closes: CloseMode?

  init(now: Instant, remote: TransportAddress?, isStream: Bool, label: Label, port: PortID?) {
    (self.now, self.remote, self.isStream, self.label, self.port) = (now, remote, isStream, label, port)
  }

  /// Not the first time that it leaves.
  public var isRepeated: Bool { label.attempt > 0 || label.cause != .first }

  public mutating func add(_ bytes: Bytes, to remote: TransportAddress? = nil, after delay: Duration = .zero) {
    extras.append(Extra(bytes: bytes, to: remote, after: delay))
  }
}

/// What a defect remembers of one host: words and numbers by keys of its own choice, and what requests were before they were changed.
public struct Memory: Sendable {
  /// Beyond it everything is forgotten: no run of a scenario comes near.
  private static let limit = 100_000

  private var words: [String: String] = [:]
  private var numbers: [String: Int] = [:]
  private var disguises: [String: [(header: String, value: String)]] = [:]

  public init() {}

  public subscript(word key: String) -> String? {
    get { words[key] }
    set {
      if words.count >= Self.limit { words = [:] }
      words[key] = newValue
    }
  }

  public subscript(number key: String) -> Int? {
    get { numbers[key] }
    set {
      if numbers.count >= Self.limit { numbers = [:] }
      numbers[key] = newValue
    }
  }

  /// Counts.
  /// - Returns: how often it was counted before.
  public mutating func count(_ key: String) -> Int {
    let before = self[number: key] ?? 0
    self[number: key] = before + 1
    return before
  }

  /// Whether it is the first time that this is asked.
  public mutating func isFirst(_ key: String) -> Bool { count(key) == 0 }

  /// The responses to a request that left in this form are given back the host's own value.
  mutating func remember(_ header: String, was value: String, branch: String) {
    if disguises.count >= Self.limit { disguises = [:] }
    guard disguises[branch]?.contains(where: { $0.header == header }) != true else { return }
    disguises[branch, default: []].append((header, value))
  }

  func original(of branch: String) -> [(header: String, value: String)] { disguises[branch] ?? [] }
}
