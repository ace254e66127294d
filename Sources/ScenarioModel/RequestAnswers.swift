import SIPMessage
import SansIO
import WireReader

/// What became of a member's last REGISTER or OPTIONS, as its packets show it.
///
/// A challenge, and any other refusal after which a client may try again, is the answer when nothing follows within T2, or when the member
/// says that it gives up.
public struct RequestAnswer: Sendable {
  public private(set) var status: Int?
  public private(set) var phrase = ""
  /// Seconds granted by a 200 to REGISTER.
  public private(set) var expires: Int?
  /// When a binding that was granted ends.
  public private(set) var expiresAt: Instant?
  public private(set) var frame: FrameCitation?
  /// It was given up without an answer, as the member says.
  public private(set) var failure: String?
  private var request: ObservedMessage?
  private var retryable: (status: Int, phrase: String, at: Instant)?

  private static let patience: Duration = .seconds(4)

  public init() {}

  /// There is an answer, or none will come.
  public var isKnown: Bool { status != nil || failure != nil }

  /// When ``settle(at:)`` may change something.
  var nextDeadline: Instant? { retryable?.at.advanced(by: Self.patience) }

  mutating func take(_ seen: SeenMessage, _ message: ObservedMessage, at now: Instant) {
    guard !seen.isCopy else { return }
    if seen.isSent, message.status == nil {
      (request, retryable) = (message, nil)
    } else if !seen.isSent, let status = message.status, status >= 200, let request, request.cseq.number == message.cseq.number,
      request.callID == message.callID
    {
      frame = seen.frame
      if [401, 407, 423, 503].contains(status) || (300..<400).contains(status) {
        retryable = (status, message.phrase, now)
      } else {
        (self.status, phrase, failure) = (status, message.phrase, nil)
        expires = status < 300 ? Self.granted(message.message, request.message) : nil
        expiresAt = expires.map { now.advanced(by: .seconds($0)) }
      }
    }
  }

  mutating func settle(at now: Instant) {
    guard let deadline = nextDeadline, now >= deadline else { return }
    giveUp(nil)
  }

  mutating func giveUp(_ reason: String?) {
    if let retryable {
      (status, phrase, self.retryable) = (retryable.status, retryable.phrase, nil)
    } else if let reason, status == nil || (status ?? 0) < 300 {
      (status, failure) = (nil, reason)
    }
  }

  /// The `expires` of the Contact that was asked for among all that are bound (RFC 3261 §10.2.4), or of the only one, which something on
  /// the way may have rewritten; else Expires; else what was asked for. Who removes its binding is granted nothing.
  private static func granted(_ response: SIPMessage, _ request: SIPMessage) -> Int {
    let wanted = request.usableContacts.first
    let asked = wanted.flatMap(seconds) ?? request.expires() ?? 3_600
    guard asked > 0 else { return 0 }
    let bound = response.usableContacts
    let own = wanted.flatMap { wanted in bound.first { $0.uri.isEquivalent(to: wanted.uri) } } ?? (bound.count == 1 ? bound.first : nil)
    return own.flatMap(seconds) ?? response.expires() ?? asked
  }

  private static func seconds(_ contact: NameAddress) -> Int? { contact.parameters["expires"].flatMap { UInt32($0).map(Int.init) } }
}
