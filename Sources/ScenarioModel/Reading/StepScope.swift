import SIPMessage

/// What may be referred to while a file is read: the cast, accounts and sessions, and what the steps before have named.
public struct StepScope {
  var scenario: Scenario
  var legs: [String] = []
  /// Messages that expectations have named, by their wire member.
  var messages: [String] = []
  /// Wire members that an earlier step gave keys of SRTP.
  var keyed: [String] = []
  /// Values that the file's `defaults` gives to keys that are missing.
  var defaults: [String: NodeReader] = [:]
  let notes: ReadingNotes

  init(scenario: Scenario, notes: ReadingNotes = ReadingNotes()) {
    self.scenario = scenario
    self.notes = notes
  }

  /// For files that have no cast.
  package static var empty: StepScope { StepScope(scenario: Scenario(file: "", name: "")) }

  func member(_ place: NodeReader) throws(SourceProblem) -> String {
    let name = try place.word(scenario.cast.map { ($0.name, $0.name) })
    notes.use(.member, name)
    return name
  }

  /// A member that has calls of its own.
  func party(_ place: NodeReader) throws(SourceProblem) -> String {
    let name = try member(place)
    if case .wire? = scenario.member(name)?.role {
      throw place.problem("\(name) is a wire member, which has no calls: it only sends bytes and shows messages")
    }
    if case .proxy? = scenario.member(name)?.role { throw place.problem("\(name) is a proxy, which has no calls of its own") }
    return name
  }

  /// What only the endpoint can do, or somebody at it, is nothing without one.
  func needEndpoint(_ what: String, at place: NodeReader) throws(SourceProblem) {
    guard scenario.endpoint == nil else { return }
    throw place.problem("\(what) needs the endpoint, and the cast has none: add a member with 'endpoint: default'")
  }

  /// Where REGISTER, OPTIONS and calls to sessions go: the endpoint, or a wire member that plays one.
  func needTrunk(_ what: String, at place: NodeReader) throws(SourceProblem) {
    if scenario.knows(.name("sip.kallglot.com")) { return }
    if scenario.cast.contains(where: { if case .wire = $0.role { true } else { false } }) { return }
    try needEndpoint(what, at: place)
  }

  /// A member that sends and shows bytes.
  func wireMember(_ place: NodeReader) throws(SourceProblem) -> String {
    let name = try member(place)
    guard case .wire? = scenario.member(name)?.role else {
      throw place.problem("\(name) is not a wire member: only wire members send bytes and show messages")
    }
    return name
  }

  /// A member and its number in the order of the cast.
  func numbered(_ place: NodeReader) throws(SourceProblem) -> NumberedMember {
    let name = try member(place)
    return NumberedMember(name: name, index: scenario.cast.firstIndex { $0.name == name } ?? 0)
  }

  func account(_ place: NodeReader) throws(SourceProblem) -> String {
    let name = try place.word(scenario.accounts.map { ($0.name, $0.name) })
    notes.use(.account, name)
    return name
  }

  /// The session's id.
  func session(_ place: NodeReader) throws(SourceProblem) -> String {
    let session = try place.word(scenario.sessions.map { ($0.name, $0) })
    notes.use(.session, session.name)
    return session.id
  }

  func leg(_ place: NodeReader) throws(SourceProblem) -> String {
    guard !legs.isEmpty else { throw place.problem("'\(try place.text())' is not a leg: no earlier step places a call") }
    let name = try place.word(legs.map { ($0, $0) })
    notes.use(.leg, name)
    return name
  }

  /// What a scenario writes itself may name anything as it stands on the wire: session ids, users, addresses.
  func useNames(in text: String) {
    for session in scenario.sessions where text.contains(session.id) { notes.use(.session, session.name) }
    for account in scenario.accounts where text.contains(account.username) { notes.use(.account, account.name) }
    for member in scenario.cast where text.contains(member.address.description) { notes.use(.member, member.name) }
  }

  /// A name of the cast or of a leg.
  func memberOrLeg(_ place: NodeReader) throws(SourceProblem) -> String {
    let name = try place.word((scenario.cast.map(\.name) + legs).map { ($0, $0) })
    notes.use(scenario.member(name) == nil ? .leg : .member, name)
    return name
  }
}

/// A member of the cast and its place in it.
struct NumberedMember: Sendable, Hashable {
  var name: String
  var index: Int
}
