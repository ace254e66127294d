import RTP
import SansIO

/// Digits to be sent one after the other.
public struct DigitPlan: Hashable, Sendable {
  public var digits: [Digit]
  /// Of each.
  public var duration: Duration
  /// Between the end of one and the beginning of the next.
  public var gap: Duration

  /// What ITU-T Q.24 lets an exchange be certain of: 40 ms of tone, 40 ms of pause.
  public static let shortest: Duration = .milliseconds(40)

  public init(_ digits: [Digit], duration: Duration = .milliseconds(100), gap: Duration = .milliseconds(60)) {
    (self.digits, self.duration, self.gap) = (digits, duration, gap)
  }

  /// From the first to the end of the last.
  public var length: Duration { duration * digits.count + gap * max(0, digits.count - 1) }
}

/// Why a digit was not sent.
public enum DigitRefusal: Hashable, Sendable {
  /// There is no agreed stream that could carry it.
  case noStream
  /// No telephone-event was agreed.
  case noEvents
  /// It was agreed, with another clock than that of the codec in use (RFC 4733 §2.1).
  case otherClock(Int, codec: String)
  /// The peer does not list its event (RFC 4733 §2.4.1).
  case notTaken(Digit)
  /// It is no tone: flash.
  case noTone(Digit)
  /// The peer answered its INFO with this status; nil = with nothing.
  case info(status: Int?)
  /// The agreement lets nothing be sent.
  case held
}

extension DigitRefusal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noStream: "no media was agreed that could carry it"
    case .noEvents: "no telephone-event in the answer: there is nothing to send digits by RFC 4733 with"
    case .otherClock(let clock, let codec):
      "clock of \(clock) beside \(codec): its telephone-event has another clock than the audio (RFC 4733 §2.1)"
    case .notTaken(let digit): "the peer does not list the event of \(digit) in its fmtp (RFC 4733 §2.4.1)"
    case .noTone(let digit): "\(digit) is no tone"
    case .info(let status?): "the INFO was answered with \(status)"
    case .info(nil): "the INFO was not answered"
    case .held: "the direction of the stream lets nothing be sent"
    }
  }
}
