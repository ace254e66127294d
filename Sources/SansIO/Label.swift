/// Why a packet exists, as a small value without references.
///
/// Faults, capture comments and self-health read labels. Observers and verdicts read bytes, never labels: a label is what the sender
/// *meant*, the bytes are what it did.
public struct Label: Hashable, Sendable {
  /// What the write carries. Requests and responses have the word of their protocol for what is asked; `raw` is a scenario's own bytes.
  public enum Subject: Hashable, Sendable {
    case none
    case request(Word)
    case response(status: UInt16, Word)
    case keepAlive
    case rtp(payloadType: UInt8)
    case rtcp
    case dtls
    case tlsHandshake
    case tlsClose
    case raw
  }

  /// What made the bytes leave again.
  public enum Cause: UInt8, Hashable, Sendable {
    case first
    case timerA, timerE, timerG
    /// The user agent core's own retransmission of a 2xx (RFC 3261 §13.3.1.4).
    case awaitingACK
    /// The answer to a retransmitted request (or an ACK to a retransmitted response).
    case repeated
  }

  public var subject: Subject
  public var cause: Cause
  /// 0 for the first transmission, 1 for the first retransmission.
  public var attempt: UInt8
  /// Written wrong on purpose; readers of the capture must not blame the stack for it.
  public var isDeliberatelyBroken: Bool
  /// A bit of it was flipped on its way, and its checksum is right: what its receiver sees is not what was sent.
  public var isDamaged = false
  /// The host's own number for the dialog or leg; 0 = none.
  public var dialog: UInt32
  /// SSRC of a media packet; of an ACK, ``acknowledgedStatus``; 0 otherwise.
  public var stream: UInt32
  /// CSeq number or RTP sequence number.
  public var sequence: UInt32
  /// When the packet should have left; the difference to its departure is the sender's own lateness. `.zero` = not timed.
  public var due: Instant

  @inlinable
  public init(
    _ subject: Subject = .none, cause: Cause = .first, attempt: UInt8 = 0, dialog: UInt32 = 0, stream: UInt32 = 0,
    sequence: UInt32 = 0, due: Instant = .zero, isDeliberatelyBroken: Bool = false
  ) {
    self.subject = subject
    self.cause = cause
    self.attempt = attempt
    self.isDeliberatelyBroken = isDeliberatelyBroken
    self.dialog = dialog
    self.stream = stream
    self.sequence = sequence
    self.due = due
  }

  public static let none = Label()

  /// Of an ACK: the status of the final response that it acknowledges, 200 for that of any 2xx (RFC 3261 §13.2.2.4, §17.1.1.3); 0 of all
  /// others.
  @inlinable public var acknowledgedStatus: UInt16 {
    get { if case .request("ACK") = subject { UInt16(truncatingIfNeeded: stream) } else { 0 } }
    set { stream = UInt32(newValue) }
  }
}

extension Label: CustomStringConvertible {
  /// `"INVITE, Timer A, 2nd retransmission"`, `"200 INVITE"`, `"RTP 0 seq 4711"`.
  public var description: String {
    var words = [subject.description]
    if case .rtp = subject { words[0] += " seq \(sequence)" }
    switch cause {
    case .first: break
    case .timerA: words.append("Timer A")
    case .timerE: words.append("Timer E")
    case .timerG: words.append("Timer G")
    case .awaitingACK: words.append("no ACK yet")
    case .repeated: words.append("repeated on request")
    }
    if attempt > 0 { words.append("\(Self.ordinal(Int(attempt))) retransmission") }
    if isDeliberatelyBroken { words.append("deliberately broken") }
    return words.joined(separator: ", ")
  }

  private static func ordinal(_ number: Int) -> String {
    switch (number % 10, number % 100) {
    case (1, let tens) where tens != 11: "\(number)st"
    case (2, let tens) where tens != 12: "\(number)nd"
    case (3, let tens) where tens != 13: "\(number)rd"
    default: "\(number)th"
    }
  }
}

extension Label.Subject: CustomStringConvertible {
  public var description: String {
    switch self {
    case .none: "data"
    case .request(let word): word.description
    case .response(let status, let word): "\(status) \(word)"
    case .keepAlive: "keep-alive"
    case .rtp(let payloadType): "RTP \(payloadType)"
    case .rtcp: "RTCP"
    case .dtls: "DTLS"
    case .tlsHandshake: "TLS handshake"
    case .tlsClose: "TLS close"
    case .raw: "raw bytes"
    }
  }
}
