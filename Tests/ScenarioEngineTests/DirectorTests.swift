import Media
import SansIO
import ScenarioModel
import Testing

@testable import ScenarioEngine

/// The director with actors that only remember.
@Suite struct DirectorTests {
  private final class Means: StageMeans {
    var now: Instant = .zero
    var records: [String] = []
    func record(_ body: JournalRecord.Body) { if case .step(let text) = body { records.append(text) } }
    func add(_ fault: FaultPlan) throws(StageFailure) { throw .notApplicable("no faults here: \(fault.text)") }
  }

  private final class Actor: StageActor {
    let name: String
    let isEndpoint: Bool
    var failure: StageFailure?
    var commands: [StageCommand] = []

    init(_ name: String, isEndpoint: Bool = false, failure: StageFailure? = nil) {
      (self.name, self.isEndpoint, self.failure) = (name, isEndpoint, failure)
    }

    func carryOut(_ command: StageCommand) throws(StageFailure) {
      if let failure { throw failure }
      commands.append(command)
    }

    func take(_ event: any HostEvent) {}
  }

  private func scenario(_ steps: String) throws -> Scenario {
    try Scenario.read(
      """
      summary: x
      given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20 }
      steps:
      \(steps)
      """, file: "x.yaml")
  }

  private func director(_ steps: String, _ actors: [Actor], _ means: Means = Means()) throws -> StageDirector {
    StageDirector(try scenario(steps), entropy: Entropy(seed: 1), epoch: .virtual, actors: actors, means: means)
  }

  @Test func `a command goes to its member, the portal's to the endpoint, and each step is a line of the journal`() throws {
    let (kallglot, pbx, means) = (Actor("kallglot", isEndpoint: true), Actor("pbx"), Means())
    let director = try director("  - deactivate: acme\n  - call: { from: pbx, to: session demo, as: leg }", [kallglot, pbx], means)
    director.begin()
    director.deadlineCame()
    #expect(kallglot.commands == [.administer(.setActive(account: "acme", false))])
    #expect(pbx.commands == [.call(from: "pbx", to: .session(id: "sess_demo"), as: "leg")])
    #expect(means.records == ["acme becomes inactive", "call from pbx to session demo as leg"])
    #expect(!director.isOver && director.nextDeadline == .zero)
  }

  @Test(arguments: [StageFailure.void("its host has no such leg"), .couldNotRun("no such program"), .notApplicable("it cannot")])
  func `a command that cannot be carried out ends the run with its reason`(failure: StageFailure) throws {
    let director = try director(
      "  - call: { from: pbx, to: session demo, as: leg }\n  - expect: { leg: leg, is: established }",
      [Actor("kallglot", isEndpoint: true), Actor("pbx", failure: failure)])
    director.begin()
    #expect(director.isOver && director.nextDeadline == nil)
    let result = director.result(seed: 1, hosts: ["kallglot", "pbx"])
    #expect(result.verdict == failure.verdict && result.reason == failure.reason && result.findings.isEmpty)
  }

  @Test func `nobody of a name, and a stage without faults, end the run too`() throws {
    let missing = try director("  - options: pbx", [Actor("kallglot", isEndpoint: true)])
    missing.begin()
    #expect(missing.result(seed: 1, hosts: []).reason == "nobody on stage is called pbx")
    let faultless = try director("  - fault: { drop: the INVITE }", [Actor("kallglot", isEndpoint: true), Actor("pbx")])
    faultless.begin()
    #expect(faultless.result(seed: 1, hosts: []).verdict == .notApplicable)
    let headless = try director("  - deactivate: acme", [Actor("pbx")])
    headless.begin()
    #expect(headless.result(seed: 1, hosts: []).verdict == .couldNotRun)
  }

  @Test func `what spoiled a run first is what its result says`() throws {
    let director = try director("  - wait: 1 s", [Actor("kallglot", isEndpoint: true), Actor("pbx")])
    director.begin()
    director.spoil(.void("first"))
    director.spoil(.couldNotRun("second"))
    let result = director.result(seed: 1, hosts: [])
    #expect(result.verdict == .void && result.reason == "first")
  }

  @Test func `a host without the leg that a command names makes the command fail, not silent`() throws {
    let cast = try Cast(try scenario("  - wait: 1 s"), entropy: Entropy(seed: 1), epoch: .virtual)
    let actors = cast.members.map { member in HostActor(member, cast.directory) { _ in Issue.record("\(member.name) was called") } }
    let leg = StageLeg(member: "pbx", callID: "none")
    for command in [
      StageCommand.hangUp(leg), .cancel(leg), .hold(leg, nil), .resume(leg), .speak(leg, .tone(Tone(frequency: 440)), for: nil),
    ] {
      let failure = #expect(throws: StageFailure.self) { try actors[1].carryOut(command) }
      #expect(failure?.verdict == .void && failure?.reason == "pbx cannot \(command.verb): its host has no leg of Call-ID none")
    }
    for (actor, command) in [
      (actors[1], StageCommand.administer(.endSession("x"))), (actors[0], .send(from: "kallglot", to: "pbx", Bytes())),
    ] {
      #expect(throws: StageFailure.self) { try actor.carryOut(command) }
    }
  }
}
