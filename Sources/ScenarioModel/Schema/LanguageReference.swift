import Defects
import Rules
import SansIO

/// The keys of scenario files as Markdown, made from the descriptions that the reader holds. `ScenarioModel.docc` has it word for word, and
/// a test holds that.
public enum LanguageReference {
  public static var markdown: String {
    let sections: [String] = [
      section("Keys of a file", keys(ScenarioKeys.shape)),
      section("Keys of a member of the cast", keys(CastKeys.shape)),
      section("Keys of an account and of a session in `given`", keys(GivenKeys.Account.shape) + "\n" + keys(GivenKeys.Session.shape)),
      section("Keys of a certificate, of a member or in `given`", keys(CertificateKeys.shape)),
      section(
        "Keys of the zone `names` in `given`",
        "\(NameKeys.meaning)\n\n"
          + [NameKeys.hostShape, NameKeys.srvShape, NameKeys.naptrShape, NameKeys.unansweredShape].map(keys).joined(separator: "\n")),
      section("Keys of a link in `network`", keys(NetworkKeys.shape)),
      section("Keys of a NAT in `network`", keys(NATKeys.shape)),
      section("Keys of `defaults`", keys(DefaultsKeys.shape)),
      section("Keys of `policy`", keys(PolicySchema.shape)),
      "## Steps\n\n" + StepRegistry.kinds.map { step($0) }.joined(separator: "\n"),
      "## Expectations\n\n" + ExpectationRegistry.kinds.map { expectation($0) }.joined(separator: "\n"),
      section("Values of a header field in `headers` and `where`", "\(HeaderPattern.meaning)\n\n" + keys(HeaderPattern.shape)),
      section("How values are written", quantities), section("Rules that peers must not violate", rules),
      section("Defects of a member", defects),
    ]
    return sections.joined(separator: "\n")
  }

  private static func section(_ title: String, _ text: String) -> String { "## \(title)\n\n\(text)" }

  private static func step(_ kind: any Step.Type) -> String {
    let fields: String =
      switch kind.shape {
      case .mapping(let mapping): keys(mapping)
      case .expectation(let context): "An expectation, and beside its keys:\n\n" + keys(context.others)
      case .text, .flag, .integer, .words, .quantity, .name, .list, .oneOrMore, .named, .alternatives, .steps, .table:
        "Takes \(words(kind.shape)).\n"
      }
    // The policy's keys stand in a section of their own.
    let own = kind.keyword == ChangePolicyStep.keyword ? "`account` (required), and the keys of `policy`.\n" : fields
    return "### \(kind.keyword)\n\n\(kind.summary)\n\n\(code(kind.examples.map { "- \($0)" }))\n\n\(own)"
  }

  private static func expectation(_ kind: any Expectation.Type) -> String {
    "### \(kind.key)\n\n\(kind.summary)\n\n\(code(kind.examples.map { "- expect: \($0)" }))\n\n"
      + "\(keys(MappingShape(kind.fields, exactlyOneOf: kind.exactlyOneOf)))"
  }

  private static func code(_ lines: [String]) -> String { "```yaml\n\(lines.joined(separator: "\n"))\n```" }

  private static func keys(_ mapping: MappingShape) -> String {
    var lines = ["| key | value | when missing | |", "| --- | --- | --- | --- |"]
    lines += mapping.fields.map { field in
      let group = mapping.exactlyOneOf.first { $0.contains(field.name) }
      let missing =
        group.map { "one of \($0.joined(separator: ", ")) is required" } ?? field.standard.map { $0.isEmpty ? "none" : "`\($0)`" }
        ?? (field.isRequired ? "**required**" : "")
      let inherited = field.isInheritable ? " (`defaults` may give it)" : ""
      let conditions = field.conditions.isEmpty ? "" : " Goes only with \(field.conditions.map(\.text).joined(separator: " or "))."
      let aliases = field.aliases.isEmpty ? "" : " Also read as \(field.aliases.map { "`\($0)`" }.joined(separator: ", "))."
      let wish = field.isForWishes ? " Not in `never`." : ""
      return "| `\(field.name)` | \(words(field.shape)) | \(missing)\(inherited) | \(field.summary)\(conditions)\(wish)\(aliases) |"
    }
    if let bare = mapping.bare { lines += ["", "A value without keys is `\(bare)`."] }
    return lines.joined(separator: "\n") + "\n"
  }

  private static var quantities: String {
    let rows = Shape.Quantity.allCases.map { quantity in
      guard case .object(let members) = quantity.schema, case .string(let text)? = members.first?.1 else {
        return "| \(quantity.rawValue) | |"
      }
      return "| \(quantity.rawValue) | \(text) |"
    }
    return (["| value | written |", "| --- | --- |"] + rows).joined(separator: "\n") + "\n"
  }

  private static var rules: String {
    let head = [
      "Their ids are for `allowViolations` and for the expectation `violation`. A run fails by a rule *always*, or where packets prove an",
      "error (*errors*), or only where `never: [{ violation: … }]` asks for it (*asked*).", "",
      "| id | section | fails a run | rule |", "| --- | --- | --- | --- |",
    ]
    let rows = RuleRegistry.rules.map { "| `\($0.id)` | \($0.section) | \($0.effectOnRuns.rawValue) | \($0.sentence) |" }
    return (head + rows).joined(separator: "\n") + "\n"
  }

  private static var defects: String {
    let head = [
      "For `defect` of a member: a faulty peer on purpose. SIP is changed over UDP and TCP; inside TLS it stays as it was.",
      "",
      "| defect | of | what it does | seen in, or breaks |", "| --- | --- | --- | --- |",
    ]
    let rows = DefectCatalogue.all.map { defect in
      "| `\(defect.name)` | \(defect.roles.map(\.rawValue).joined(separator: ", ")) | \(defect.summary) | \(defect.source) |"
    }
    return (head + rows).joined(separator: "\n") + "\n"
  }

  /// A shape in a few words.
  private static func words(_ shape: Shape) -> String {
    switch shape {
    case .text: "text"
    case .flag: "true or false"
    case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
    case .words(let words) where words == RuleRegistry.ids: "id of a rule, see below"
    case .words(let words) where words == DefectCatalogue.names: "name of a defect, see below"
    case .words(let words): words.map { "`\($0)`" }.joined(separator: ", ")
    case .quantity(let quantity): quantity.rawValue
    case .name(let name): "name of \(name == .account ? "an" : "a") \(name.rawValue)"
    case .list(let inner): "list: \(words(inner))"
    case .oneOrMore(let inner): "one or a list: \(words(inner))"
    case .mapping, .alternatives: "keys, see below"
    case .named(let inner): "names, each with: \(words(inner))"
    case .expectation: "an expectation"
    case .steps: "list of steps"
    case .table: "rows, or columns with their values"
    }
  }
}
