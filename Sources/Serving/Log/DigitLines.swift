import Kallglot
import CallControl
import Media
import RTP

/// What a log says of digits. They may be somebody's PIN: masked, it says that one came, and not which.
struct DigitLines: Sendable {
  /// Whether digits are left out.
  var isMasked = false

  /// nil for an event that is not about digits.
  func text(_ event: CallAgentEvent) -> String? {
    switch event {
    case .digit(_, let digit): "digit \(text(digit))"
    case .pressed: "digits sent"
    case .pressFailed(_, .notTaken), .pressFailed(_, .noTone): "digits not sent: the peer does not take them, or they are no tones"
    case .pressFailed(_, let refusal): "digits not sent: \(refusal)"
    default: nil
    }
  }

  /// A digit that goes from one leg to another.
  func relayed(_ digit: HeardDigit, to other: Int?, by way: DigitWay) -> String {
    "digit \(name(digit)) relayed\(other.map { " to leg \($0)" } ?? "") by \(way.name)"
  }

  func notRelayed(_ digit: HeardDigit, to other: Int?, _ reason: String) -> String {
    "digit \(name(digit)) not relayed\(other.map { " to leg \($0)" } ?? ""): \(reason)"
  }

  private func text(_ digit: HeardDigit) -> String {
    "\(name(digit)) by \(digit.way.name)\(digit.milliseconds.map { ", \($0) ms" } ?? "")"
  }

  private func name(_ digit: HeardDigit) -> String { isMasked ? "(masked)" : "\(digit.digit)" }
}
