import SIPMessage
import SansIO

extension Scenario {
  /// Reads a scenario file's text. A file with a table is several: ``ScenarioFile`` reads those.
  ///
  /// - Parameters:
  ///   - file: its path, for messages.
  ///   - name: what results call it; nil = the path without suffix.
  public static func read(_ text: String, file: String, name: String? = nil) throws(SourceProblem) -> Scenario {
    let read = ScenarioFile.read(text, file: file, name: name)
    if let problem = read.problems.first { throw problem }
    guard let scenario = read.scenarios.first, read.scenarios.count == 1 else {
      throw SourceProblem(file: file, "the table expands to \(CountText.of(read.scenarios.count, "scenario")) from this file, expected one")
    }
    return scenario
  }

  /// Reads a scenario from the tree of its file, in which includes and places of a table are filled in.
  ///
  /// - Returns: nil when a mistake was noted.
  static func read(_ root: NodeReader, file: String, name: String, notes: ReadingNotes) -> Scenario? {
    var scenario = Scenario(file: file, name: name)
    scenario.source = root.node
    let before = notes.problems.count
    notes.attempt { () throws(SourceProblem) in try scenario.read(root, notes) }
    for member in scenario.cast where notes.uses(member.address) { notes.use(.member, member.name) }
    // A row of a table needs few of them, and each costs a key.
    scenario.certificates.removeAll { !notes.uses(.certificate, $0.word ?? "") }
    return notes.problems.count == before ? scenario : nil
  }

  private mutating func read(_ root: NodeReader, _ notes: ReadingNotes) throws(SourceProblem) {
    var scope = StepScope(scenario: self, notes: notes)
    let fields = try root.fields(ScenarioKeys.shape, scope)
    if let place = try fields[ScenarioKeys.defaults] { notes.attempt { () throws(SourceProblem) in try scope.takeDefaults(place) } }
    notes.attempt { () throws(SourceProblem) in summary = try fields[ScenarioKeys.summary] }
    notes.attempt { () throws(SourceProblem) in proves = try fields[ScenarioKeys.proves] ?? [] }
    notes.attempt { () throws(SourceProblem) in allowedViolations = try fields[ScenarioKeys.allowViolations] ?? [] }
    if let place = try fields[ScenarioKeys.given] { notes.attempt { () throws(SourceProblem) in try readGiven(place, scope) } }
    let cast = notes.attempt { () throws(SourceProblem) in try fields[ScenarioKeys.cast] }
    // Without a cast nothing else can be read: every name would be a mistake.
    guard let cast, notes.attempt({ () throws(SourceProblem) in try readCast(cast, scope) }) != nil else { return }
    scope.scenario = self
    notes.attempt { () throws(SourceProblem) in
      guard let place = try fields[ScenarioKeys.policy] else { return }
      // What an included file gives is there for all who include it.
      if place.file == file { try scope.needEndpoint("policy", at: place) }
      givesPolicy = true
      try PolicySchema.apply(place, to: &policy, scope)
    }
    notes.attempt { () throws(SourceProblem) in
      for element in try fields[ScenarioKeys.network]?.elements() ?? [] {
        notes.attempt { () throws(SourceProblem) in try readNetwork(element, scope) }
      }
    }
    scope.scenario = self
    readSteps(fields, &scope, notes)
  }

  private mutating func readSteps(_ fields: FieldSet, _ scope: inout StepScope, _ notes: ReadingNotes) {
    notes.attempt { () throws(SourceProblem) in
      for element in try fields[ScenarioKeys.steps].elements() { readStep(element, notes, &scope) }
    }
    readProhibitions(fields, scope)
    (marks, listensForMarks) = (notes.marks, notes.listensForMarks)
    (asksForRules, asksForPlaintext) = (notes.hasRuleExpectations, notes.looksForPlaintext)
    asksForQuality = notes.looksForQuality
    toneListeners = notes.toneListeners
  }

  /// Read last: they may name the legs of all steps.
  private mutating func readProhibitions(_ fields: FieldSet, _ scope: StepScope) {
    let notes = scope.notes
    var scope = scope
    notes.attempt { () throws(SourceProblem) in
      for element in try fields[ScenarioKeys.never]?.elements() ?? [] {
        notes.attempt { () throws(SourceProblem) in
          never.append(Prohibition(try ExpectationRegistry.read(element, .prohibition, &scope).0, at: element.source))
        }
      }
    }
  }

  private mutating func readStep(_ element: NodeReader, _ notes: ReadingNotes, _ scope: inout StepScope) {
    if let step = notes.attempt({ () throws(SourceProblem) in try StepRegistry.read(element, &scope) }) {
      steps.append(PlacedStep(step: step, place: element.source))
    } else {
      StepRegistry.keepNames(of: element, &scope)
    }
  }
}
