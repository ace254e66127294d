import Rules
import SansIO

/// The keys at the top of a scenario file.
enum ScenarioKeys {
  static let summary = Key.required("summary", .text, "One sentence for reports: what the scenario shows.")
  static let proves = Key.optional(
    "proves", .oneOrMore(.proof), "What a pass proves: check ids (`CALL-01`), `RFC 3261 §9.1`, `contract 8.1`, `persona asterisk-22`.")
  static let policy = Key.optional("policy", .place(.mapping(PolicySchema.shape)), "Settings of the endpoint and of all accounts.")
  static let given = Key.optional("given", .place(.mapping(GivenKeys.shape)), "What exists before the run: accounts and sessions.")
  static let cast = Key.required(
    "cast", .place(.named(.mapping(CastKeys.shape))), "The members, each by the name that steps use.")
  static let network = Key.optional(
    "network", .place(.list(NetworkKeys.element)), "Links between members (without one: 1 ms, no loss), NATs and firewalls.")
  static let never = Key.optional("never", .place(.list(.expectation(.prohibition))), "What must not become true during the whole run.")
  static let steps = Key.required("steps", .place(.steps), "What happens, in this order.")
  static let allowViolations = Key.optional(
    "allowViolations", .oneOrMore(.violationRule),
    "Rules that peers may violate, by their ids; a violation of any other rule fails the run.")
  static let defaults = Key.optional("defaults", .place(.mapping(DefaultsKeys.shape)), "Default values for keys that are missing below.")
  static let include = Key.optional(
    "include", .place(.oneOrMore(.text)), "Files whose keys are used where this file does not set them; paths are relative to this file.")
  static let table = Key.optional("table", .place(.table), "One scenario for each row: `${column}` in any value is replaced.")

  static let shape = MappingShape([summary, proves, include, table, defaults, policy, given, cast, network, never, steps, allowViolations])

  /// What an included file gives; its other keys are for those who read it.
  static let included: Set<String> = ["policy", "given", "cast", "network", "never", "defaults", "allowViolations"]
}

extension ValueType where Value == PeerViolation.Rule {
  /// A rule by its id.
  static var violationRule: ValueType {
    let words = RuleRegistry.ids
    return ValueType(.words(words)) { (place, _) throws(SourceProblem) in
      let text = try place.text()
      if let rule = RuleRegistry.rule(text) { return rule }
      guard !NodeReader.flags.contains(where: { $0.0 == text }) else {
        throw place.problem("expected the rules that peers may violate, such as [rtp-while-held]; 'kallglot-lab rules' lists them")
      }
      let hint = Spelling.hint(for: text, among: words)
      throw place.problem("'\(text)' is not the id of a rule\(hint.isEmpty ? "." : hint) 'kallglot-lab rules' lists them")
    }
  }
}
