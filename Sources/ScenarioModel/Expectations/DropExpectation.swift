import SRTP
import SansIO

/// `dropped: kallglot, because: replayed, times: exactly 3`
struct DropExpectation: Expectation {
  static let summary = """
    A member has dropped packets of SRTP or SRTCP of its newest leg, by the cause that it counted: known when the leg is over.
    """
  static let examples = ["{ dropped: kallglot, because: wrong-tag, times: exactly 3 }", "{ dropped: kallglot, times: none }"]

  private enum Cause: String, CaseIterable, Sendable {
    case malformed, replayed, unencrypted
    case unknownIdentifier = "unknown-mki"
    case wrongTag = "wrong-tag"
    case tooOld = "too-old"
    case keyExpired = "expired-key"
    case tooManySources = "too-many-sources"
    case noKeys = "no-keys"

    var drop: SRTPDrop {
      switch self {
      case .malformed: .malformed
      case .replayed: .replayed
      case .unencrypted: .unencrypted
      case .unknownIdentifier: .unknownIdentifier
      case .wrongTag: .authenticationFailed
      case .tooOld: .tooOld
      case .keyExpired: .keyExpired
      case .tooManySources: .tooManySources
      case .noKeys: .noKeys
      }
    }
  }

  private static let dropped = Key.required("dropped", .party, "The member.")
  private static let because = Key.optional(
    "because", ValueType<Cause>.word,
    "Why (RFC 3711 §3.3, §3.4): `wrong-tag` is also another key and another rollover counter, `no-keys` what comes "
      + "before a handshake's end (RFC 5763 §5); any when missing.")
  private static let times = Key.standard("times", .count, "1", "How many packets.")
  static let fields: [any DescribedField] = [dropped, because, times, Requirement.key]

  private let member: String
  private let cause: Cause?
  private let times: Count
  let rule: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, cause, times) = (try fields[Self.dropped], try fields[Self.because], try fields[Self.times])
    rule = try fields[Requirement.key] ?? "RFC 3711 §3.3"
  }

  var text: String {
    "\(member) drops packets\(cause.map { " because of \($0.rawValue)" } ?? "")\(times.text.isEmpty ? "" : " \(times.text)")"
  }
  var knownTo: String? { member }
  var inquiry: Inquiry { .leg(of: member) }

  func judge(_ script: Script) -> Judgement {
    guard let story = script.newest(member), let drops = story.drops else {
      return .open("no leg of \(member) with media is over", script.lastEvidence[member])
    }
    let count = cause.map { drops[$0.drop] } ?? drops.total
    return times.judge(count, drops.total == 0 ? "it dropped none" : "it dropped \(drops)", story.mediaEvidence ?? story.evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let story = script.newest(member)
    return ("it dropped \(story?.drops.map(\.description) ?? "none")", story?.mediaEvidence ?? story?.evidence)
  }
}
