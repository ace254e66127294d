import SansIO

/// `nat: home, drops: expired, from: kallglot, times: 7`, `nat: home, maps: pbx, port: 5062`, `nat: home, rewrites: INVITE, changing: c=`
struct NATExpectation: Expectation {
  static let summary = "A NAT has dropped packets for this reason, given a member an outside port, or rewritten a message."
  static let examples = [
    "{ nat: home, drops: expired, from: kallglot, times: 7, within: 35 s }", "{ nat: home, maps: pbx, port: 5062 }",
    "{ nat: home, rewrites: INVITE, changing: [Contact, c=], leaving: Content-Length }",
  ]

  private static let nat = Key.required("nat", .nat, "Which one.")
  private static let drops = Key.optional("drops", .words(FilterReason.allCases.map { ("\($0.word)", $0) }), "The reason for the drop.")
  private static let from = Key.optional("from", .member, "The member that sends them.").with(.key("drops"))
  private static let times = Key.standard("times", .count, "1", "How many.").with(.key("drops"), .key("rewrites"))
  private static let maps = Key.optional("maps", .member, "The member that was given an outside port.")
  private static let port = Key.optional("port", .integer(1...65_535), "Which one.").with(.key("maps"))
  private static let rewrites = Key.optional("rewrites", .text, "The message that its gateway changed: `INVITE`, `200 to INVITE`.")
  private static let changing = Key.optional("changing", .oneOrMore(field), "Parts that it changed.").with(.key("rewrites"))
  private static let leaving = Key.optional("leaving", .oneOrMore(field), "Parts that it should have changed and did not.")
    .with(.key("rewrites"))
  private static let field = ValueType<String>.words(
    ["Request-URI", "Via", "Contact", "From/To", "o=", "c=", "m=", "Content-Length", "text"].map { ($0, $0) })
  static let fields: [any DescribedField] = [nat, drops, from, times, maps, port, rewrites, changing, leaving]
  static let exactlyOneOf = [["drops", "maps", "rewrites"]]

  private struct Party {
    var name: String
    /// Its own address and the one it has outside.
    var addresses: [IPAddress]
  }

  private enum Wish {
    case drop(FilterReason, from: Party?, Count)
    case mapping(Party, port: Int?)
    case rewriting(String, changed: [String], left: [String], Count)
  }

  private let name: String
  private let wish: Wish

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    name = try fields[Self.nat]
    let scenario = scope.scenario
    let party = { (name: String) in
      Party(name: name, addresses: scenario.addresses(of: name))
    }
    if let message = try fields[Self.rewrites] {
      wish = .rewriting(
        message, changed: try fields[Self.changing] ?? [], left: try fields[Self.leaving] ?? [], try fields[Self.times])
      return
    }
    if let member = try fields[Self.maps] {
      wish = .mapping(party(member), port: try fields[Self.port])
    } else {
      guard let reason = try fields[Self.drops] else { throw fields.place.problem("expected one of drops, maps and rewrites") }
      wish = .drop(reason, from: try fields[Self.from].map(party), try fields[Self.times])
    }
  }

  var text: String {
    switch wish {
    case .drop(let reason, let source, let count):
      "NAT \(name) drops packets\(source.map { " from \($0.name)" } ?? "") (\(reason.word))\(count.text.isEmpty ? "" : " \(count.text)")"
    case .mapping(let member, let port): "NAT \(name) gives \(member.name) \(port.map { "port \($0)" } ?? "a port")"
    case .rewriting(let message, let changed, let left, let count):
      "the ALG of \(name) rewrites the \(message)\(Self.list(", changing", changed))\(Self.list(", leaving", left))"
        + (count.text.isEmpty ? "" : " \(count.text)")
    }
  }

  var rule: String {
    switch wish {
    case .drop(let reason, _, _): "\(reason)"
    case .mapping: "RFC 4787 §4.1, §4.2"
    case .rewriting: "RFC 4787 §7"
    }
  }
  var inquiry: Inquiry { .nat(name) }

  func judge(_ script: Script) -> Judgement {
    let seen = matches(script)
    let all = script.nats.entries.filter { $0.nat == name }
    func observed() -> String { all.last.map { "the last it did: \(Self.text($0.news))" } ?? "it did nothing" }
    switch wish {
    case .drop(_, _, let count): return count.judge(seen.count, "\(seen.count) such packets; \(observed())", all.last?.evidence)
    case .rewriting(_, _, _, let count): return count.judge(seen.count, "\(seen.count) such messages; \(observed())", all.last?.evidence)
    case .mapping: return seen.isEmpty ? .open(observed(), all.last?.evidence) : .met
    }
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    guard let entry = matches(script).last else { return ("it became true", nil) }
    return (Self.text(entry.news), entry.evidence)
  }

  private func matches(_ script: Script) -> [NATStory.Entry] {
    script.nats.entries.filter { entry in
      guard entry.nat == name else { return false }
      switch (wish, entry.news) {
      case (.drop(let reason, let from, _), .dropped(let actual, let source, _)):
        return reason == actual && from.map { $0.addresses.contains(source.address) } ?? true
      case (.mapping(let member, let port), .mapped(let inside, let outside)):
        return member.addresses.contains(inside.address) && port.map { $0 == Int(outside.port) } ?? true
      case (.rewriting(let message, let changed, let left, _), .rewrote(let report)):
        return report.message == message && changed.allSatisfy(report.changed.contains) && left.allSatisfy(report.left.contains)
      case (.drop, _), (.mapping, _), (.rewriting, _): return false
      }
    }
  }

  private static func list(_ verb: String, _ words: [String]) -> String {
    words.isEmpty ? "" : "\(verb) \(words.joined(separator: ", "))"
  }

  static func text(_ news: NATNews) -> String {
    switch news {
    case .mapped(let inside, let outside): "\(inside) got \(outside)"
    case .dropped(let reason, let source, let destination): "a packet from \(source) to \(destination) was dropped: \(reason)"
    case .rewrote(let report): "its ALG \(report.sentence)"
    case .rebooted(let outside): "it has rebooted\(outside.map { ", its outside address is \($0)" } ?? "")"
    }
  }
}
