import Impairments
import SansIO

/// `impair: { between: [pbx, kallglot], loss: 30 % }`, `impair: { from: pbx, to: kallglot, outage: { for: 5 s } }`
struct ImpairStep: FieldStep {
  static let keyword = "impair"
  static let summary = """
    From now on a link does this to packets, and nothing else that `network` or an earlier step said; only a delay that is not given \
    stays. What is under way arrives as it would have.
    """
  static let examples = [
    "impair: { between: [pbx, kallglot], loss: 30 % }", "impair: { from: pbx, to: kallglot, outage: { for: 5 s } }",
    "impair: { between: [pbx, kallglot], preset: lte }",
  ]
  /// Those of `network`: but `defaults` are for that alone.
  static let impairment = ImpairmentKeys.all.map(\.description.alone)
  static let mapping = MappingShape(
    descriptions: LinkKeys.all.map(\.description) + impairment, exactlyOneOf: LinkKeys.exactlyOneOf)

  private let change: LinkChange

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    let own = fields.withoutDefaults
    let keepsDelay = !own.has("delay") && !own.has("preset")
    change = LinkChange(ends: try LinkKeys.read(own), impairment: try ImpairmentKeys.read(own), keepsDelay: keepsDelay)
  }

  var text: String { "\(change.ends.text) is impaired: \(change.impairment.words(keepsDelay: change.keepsDelay))" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.impair(change))
    return .done
  }
}

/// `heal: [pbx, kallglot]`, `heal: { from: pbx, to: kallglot }`
struct HealStep: FieldStep {
  static let keyword = "heal"
  static let summary = "From now on a link loses nothing and every packet takes its delay, whatever `network` or an earlier step said."
  static let examples = ["heal: [pbx, kallglot]", "heal: { from: pbx, to: kallglot }"]
  static let mapping = MappingShape(LinkKeys.all, exactlyOneOf: LinkKeys.exactlyOneOf, bare: "between")

  private let ends: LinkEnds

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) { ends = try LinkKeys.read(fields) }

  var text: String { "\(ends.text) is healed" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.impair(LinkChange(ends: ends, impairment: .perfect, keepsDelay: true)))
    return .done
  }
}

/// How a link is from now on.
public struct LinkChange: Hashable, Sendable {
  public var ends: LinkEnds
  public var impairment: Impairment
  /// The delay stays what it is.
  public var keepsDelay: Bool
}

extension FieldDescription {
  fileprivate var alone: FieldDescription {
    var field = self
    field.isInheritable = false
    return field
  }
}

extension Impairment {
  /// What it does to packets, in the words of a scenario.
  func words(keepsDelay: Bool = false) -> String {
    var words: [String] = []
    if delay > .zero, !keepsDelay { words.append("delay \(delay)") }
    if !delaySteps.isEmpty { words.append("delay steps") }
    if jitter != .none { words.append("jitter") }
    if loss != .none { words.append("loss") }
    if duplicate.numerator > 0 { words.append("duplicates") }
    if reordering != .none { words.append("reordering") }
    if bandwidth != nil { words.append("a bottleneck") }
    if !outages.isEmpty { words.append("outages") }
    if corruption.share.numerator > 0 { words.append("corruption") }
    if list != nil { words.append("listed packets") }
    return words.joined(separator: ", ")
  }
}
