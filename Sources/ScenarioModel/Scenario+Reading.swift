import Kallglot
import Personas
import SIPMessage
import SansIO

extension Scenario {
  private static let keys = ["summary", "proves", "policy", "given", "cast", "network", "never", "steps", "allowViolations"]

  /// Reads a scenario file's text.
  ///
  /// - Parameters:
  ///   - file: its path, for messages.
  ///   - name: what results call it; nil = the path without suffix.
  public static func read(_ text: String, file: String, name: String? = nil) throws(SourceProblem) -> Scenario {
    let fields = try NodeReader.root(text, file: file).fields(keys)
    let cast = try readCast(try fields.required("cast"))
    var scenario = Scenario(
      file: file, name: name ?? defaultName(file), summary: try fields.required("summary").text(), proves: [], policy: .standard, accounts: [],
      sessions: [], cast: cast, network: [], steps: [], never: [], allowsViolations: try fields["allowViolations"]?.flag() ?? false)
    if let place = fields["proves"] { for element in try place.elementsOrOne() { scenario.proves.append(try element.text()) } }
    if let place = fields["policy"] {
      let addresses = Dictionary(cast.map { ($0.name, $0.address) }, uniquingKeysWith: { first, _ in first })
      try PolicySchema.apply(try place.pairs(), to: &scenario.policy, cast: addresses)
    }
    if let place = fields["given"] { try scenario.readGiven(place) }
    try scenario.checkAccounts(try fields.required("cast"))
    if let place = fields["network"] { for element in try place.elements() { scenario.network.append(try scenario.readLink(element)) } }
    var scope = StepScope(scenario: scenario)
    for element in try fields.required("steps").elements() { scenario.steps.append(try StepRegistry.read(element, &scope)) }
    // Read last: it may name the legs of all steps.
    if let place = fields["never"] {
      for element in try place.elements() { scenario.never.append(Prohibition(try ExpectationRegistry.read(element, others: [], &scope).0)) }
    }
    return scenario
  }

  private static func defaultName(_ file: String) -> String {
    let parts = file.split(separator: "/").suffix(2).map(String.init)
    return parts.joined(separator: "/").replacing(".yaml", with: "").replacing(".yml", with: "")
  }

  // MARK: - Cast

  private static func readCast(_ place: NodeReader) throws(SourceProblem) -> [Member] {
    var members: [Member] = []
    for (name, keyPlace, value) in try place.pairs() {
      let member = try readMember(name, value)
      if let twin = members.first(where: { $0.address == member.address }) {
        throw keyPlace.problem("\(name) and \(twin.name) have the same address \(member.address)")
      }
      members.append(member)
    }
    guard members.count >= 1 else { throw place.problem("nobody is on stage") }
    return members
  }

  private static func readMember(_ name: String, _ place: NodeReader) throws(SourceProblem) -> Member {
    let fields = try place.fields(["endpoint", "persona", "wire", "address", "transport", "account", "password", "answerDelay", "rejectsWith", "earlyMedia"])
    let role: Member.Role
    if let endpoint = fields["endpoint"] {
      _ = try endpoint.word([("default", true)])
      role = .endpoint
    } else if let wire = fields["wire"] {
      _ = try wire.word([("raw", true)])
      role = .wire
    } else {
      role = .persona(try fields.required("persona").word(PersonaProfile.all.map { ($0.id, $0) }))
    }
    return Member(
      name: name, role: role, address: try fields.required("address").address(),
      transport: try fields["transport"].map(transport) ?? .udp, account: try fields["account"].map(text),
      password: try fields["password"].map(text), answerDelay: try fields["answerDelay"].map(duration) ?? .zero,
      rejectsWith: try fields["rejectsWith"].map(refusal), hasEarlyMedia: try fields["earlyMedia"]?.flag() ?? false)
  }

  private static func transport(_ place: NodeReader) throws(SourceProblem) -> SIPTransportProtocol { try PolicySchema.transport(place) }
  private static func text(_ place: NodeReader) throws(SourceProblem) -> String { try place.text() }
  private static func duration(_ place: NodeReader) throws(SourceProblem) -> Duration { try place.duration() }
  private static func refusal(_ place: NodeReader) throws(SourceProblem) -> Int { try place.integer(300...699) }

  // MARK: - Given

  private mutating func readGiven(_ place: NodeReader) throws(SourceProblem) {
    let fields = try place.fields(["accounts", "sessions"])
    if let accounts = fields["accounts"] {
      for (name, _, value) in try accounts.pairs() {
        let fields = try value.fields(["username", "password"])
        let password = try fields["password"]?.text()
        self.accounts.append(
          AccountGiven(name: name, username: try fields["username"]?.text() ?? name, password: password == "generated" ? nil : password))
      }
    }
    if let sessions = fields["sessions"] {
      for (name, _, value) in try sessions.pairs() {
        let fields = try value.fields(["account", "state"])
        let account = try fields.required("account")
        let states: [(String, Session.State)] = [("created", .created), ("active", .active), ("ended", .ended)]
        self.sessions.append(
          SessionGiven(
            name: name, account: try account.word(self.accounts.map { ($0.name, $0.name) }), state: try fields["state"]?.word(states) ?? .created))
      }
    }
  }

  private func checkAccounts(_ place: NodeReader) throws(SourceProblem) {
    for (name, _, value) in try place.pairs() {
      guard let account = member(name)?.account, !accounts.contains(where: { $0.name == account }) else { continue }
      throw value.problem("account '\(account)' is not given\(Spelling.hint(for: account, among: accounts.map(\.name)))")
    }
  }

  // MARK: - Network

  private func readLink(_ place: NodeReader) throws(SourceProblem) -> LinkGiven {
    let fields = try place.fields(["between", "delay", "jitter", "loss", "duplicate", "reorder"])
    let between = try fields.required("between")
    let ends = try between.elements()
    guard ends.count == 2 else { throw between.problem("expected two names of the cast") }
    let names = cast.map { ($0.name, $0.name) }
    return LinkGiven(
      first: try ends[0].word(names), second: try ends[1].word(names), delay: try fields["delay"].map(Self.duration) ?? .milliseconds(1),
      jitter: try fields["jitter"].map(Self.duration) ?? .zero, loss: try fields["loss"].map(Self.ratio) ?? .never,
      duplicate: try fields["duplicate"].map(Self.ratio) ?? .never, reorder: try fields["reorder"].map(Self.ratio) ?? .never)
  }

  private static func ratio(_ place: NodeReader) throws(SourceProblem) -> Ratio { try place.ratio() }
}
