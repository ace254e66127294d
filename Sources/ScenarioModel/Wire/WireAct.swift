import SRTP
import SansIO

/// What a step asks of a wire member besides messages and packets.
public enum WireAct: Hashable, Sendable {
  /// Sends bytes in the TCP connection with another member, below TLS.
  case sendInClear(Bytes, to: String)
  /// Opens a connection to another member; over TLS with a handshake, which asks for this server name, else for the usual one, and may go
  /// on from the last session.
  case connect(to: String, serverName: String?, resumes: Bool, HandshakeForm)
  /// Begins a new handshake within the TLS connection with another member.
  case renegotiate(with: String)
  /// How it behaves on connections that are opened to it from now on.
  case accept(HandshakeForm)
  case close(with: String, ConnectionClose)
  /// Protects what it injects by SRTP, and opens what comes to its media port. `goesOn`: counters and indices do, else they begin anew.
  case useKeys(send: SRTPKeys, receive: SRTPKeys?, goesOn: Bool)
  /// Opens a DTLS association with a port of another member, or waits for one, and uses its keys.
  case associate(to: String, port: UInt16, AssociationForm)
  /// Sends a packet of RTP to a port of another member, with this done to it.
  case inject(Bytes, to: String, port: UInt16, PacketForm)
  /// Sends a report of RTCP about its source of this SSRC to a port of another member, with this done to it; `number`: which one leaves
  /// once more.
  case report(ReportKind, ssrc: UInt32, to: String, port: UInt16, PacketForm, number: Int)
}

/// What is done to a packet of a wire member that has keys.
public enum PacketForm: String, Hashable, Sendable, CaseIterable {
  /// SRTP as it should be.
  case srtp
  case clear
  case wrongTag = "wrong-tag"
  case otherKey = "other-key"
  case oldRollover = "old-rollover"
  case replay
  case unencrypted
  case oldIndex = "old-index"

  /// Whether it is for RTP, or RTCP, alone.
  var isForMedia: Bool { self == .oldRollover }
  var isForReports: Bool { self == .unencrypted || self == .oldIndex }
}

/// A report of RTCP (RFC 3550 §6.4).
public enum ReportKind: String, Hashable, Sendable, CaseIterable {
  /// With what has been sent so far.
  case sender
  /// Without a block.
  case receiver
}

/// How a wire member sends its part of a connection; nil = as it should be.
public struct HandshakeForm: Hashable, Sendable {
  /// How many flights of its handshake it sends before it says nothing more.
  public var flights: Int?
  /// How many bytes it sends before it says nothing more.
  public var bytes: Int?
  /// How many bytes it sends at a time.
  public var pieces: Int?
  public var every: Duration = .zero
}

public enum ConnectionClose: String, Hashable, Sendable, CaseIterable {
  /// TLS's close_notify alone (RFC 8446 §6.1).
  case closeNotify = "close_notify"
  /// TCP's FIN alone.
  case orderly = "FIN"
  case reset = "RST"
}

/// The keys that say how a wire member sends its part of a connection.
enum HandshakeKeys {
  static let flights = Key.optional(
    "flights", .integer(0...4), "How many flights of its TLS handshake it sends; then it says nothing more. 0 = it connects and is silent.")
  static let bytes = Key.optional("bytes", .integer(0...100_000), "How many bytes it sends; then it says nothing more.")
  static let pieces = Key.optional("pieces", .integer(1...16_384), "How many bytes it sends at a time.")
  static let every = Key.standard("every", .duration, "0", "How long it waits between them.").with(.key("pieces"))
  static let fields: [any DescribedField] = [flights, bytes, pieces, every]

  static func form(_ fields: FieldSet) throws(SourceProblem) -> HandshakeForm {
    var form = HandshakeForm(flights: try fields[flights], bytes: try fields[bytes], pieces: try fields[pieces])
    form.every = try fields[every]
    return form
  }

  /// Flights are of TLS, connections of TCP.
  static func check(_ member: String, _ form: HandshakeForm, _ fields: FieldSet, _ scope: StepScope) throws(SourceProblem) {
    let transport = scope.scenario.member(member)?.transport
    if transport == .udp { throw fields.place.problem("\(member) is on UDP, which has no connections") }
    guard form.flights != nil, transport != .tls else { return }
    throw (fields.place(of: flights) ?? fields.place).problem("\(member) is on TCP, which has no handshake of TLS: 'bytes: 0' is silent")
  }

  static func text(_ form: HandshakeForm) -> String {
    var parts: [String] = []
    if let flights = form.flights { parts.append("silent after \(CountText.of(flights, "flight"))") }
    if let bytes = form.bytes { parts.append("silent after \(CountText.of(bytes, "byte"))") }
    if let pieces = form.pieces { parts.append("\(CountText.of(pieces, "byte")) every \(form.every)") }
    return parts.isEmpty ? "" : ", \(parts.joined(separator: ", "))"
  }
}
