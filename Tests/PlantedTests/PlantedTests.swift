import Defects
import Foundation
import LabTesting
import ScenarioModel
import Testing

@testable import lab_planted

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// A few defects over a few scenarios: what they should turn red they do, and the reason is found where it is said.
@Suite struct PlantedTests {
  private func outcome(_ name: String, _ files: String...) throws -> Outcome {
    let scenarios = try files.flatMap { try ScenarioSuite("\(root)/scenarios/\($0).yaml").scenarios }
    return Trial(try #require(DefectCatalogue.defect(name)), scenarios, HealthyRuns(scenarios)).run()
  }

  @Test func `a description that changes without a new version is caught and named (RFC 3264 §8)`() throws {
    let outcome = try outcome("origin-version-not-raised", "mid-call/hold-sendonly")
    #expect(outcome.isCaught && outcome.isRight, "\(outcome.text)")
    #expect(outcome.named?.contains("origin-version") == true, "\(outcome)")
  }

  @Test func `a call above the cap is seen where the cap is the matter (contract 8.1)`() throws {
    let outcome = try outcome("cap-off-by-one", "basic/answered-udp", "policy/cap-reached")
    #expect(outcome.isRight && outcome.right == outcome.first, "\(outcome.text)")
    #expect(outcome.first?.hasPrefix("policy/cap-reached at kallglot") == true)
  }

  @Test(arguments: [
    ("every-tenth-packet-in-clear", "policy/srtp-required-later"), ("first-packet-in-clear", "policy/empty-reinvite-stays-srtp"),
    ("media-copied-to-a-stranger", "policy/srtp-required-later"), ("require-srtp-ignored", "srtp/required"),
    ("keys-taken-in-clear", "srtp/keys-in-the-clear"), ("password-in-a-header", "basic/answered-udp"),
    ("secret-hash-in-a-header", "basic/answered-udp"), ("basic-credentials", "basic/answered-udp"),
    ("port-before-the-policy", "policy/refused-opens-nothing"),
  ])
  func `each leak is caught by a scenario of the library, for its own reason (contract 8.1)`(defect: String, file: String) throws {
    let outcome = try outcome(defect, file)
    #expect(outcome.isCaught && outcome.right != nil, "\(outcome.text)")
  }

  @Test(arguments: [
    "digit-without-marker", "digit-timestamp-moves", "digit-ends-once", "digit-never-ends", "digit-duration-restarts",
    "digit-counts-by-other-clock", "digit-stops-the-clock", "digit-of-wrong-length", "digit-sent-twice",
  ])
  func `each defect of telephone-event is caught and named (RFC 4733 §2.5.1)`(defect: String) throws {
    let outcome = try outcome(defect, "dtmf/string-of-digits", "dtmf/audio-goes-on")
    #expect(outcome.isCaught && outcome.right != nil, "\(outcome.text)")
  }

  @Test func `a NAT that never forgets is a lie of the network (RFC 4787 §4.3)`() throws {
    let outcome = try outcome("nat-binding-never-expires", "basic/answered-udp", "nat/binding-expires")
    #expect(outcome.isCaught, "\(outcome.text)")
    #expect(outcome.runs == 1, "only members behind a NAT have one")
  }

  @Test func `where a defect has nothing to change nothing differs`() throws {
    let outcome = try outcome("refusal-not-repeated", "basic/answered-udp")
    #expect(!outcome.isCaught && outcome.changed == 0 && outcome.runs > 0, "\(outcome.text)")
  }

  @Test func `a right reason is an id, a section or a part of it, or what the scenario proves and shows`() {
    let judge = ReasonJudge(.init(rules: ["cseq-order", "RFC 3261 §12.2.1"], words: ["CSeq"]))
    #expect(judge.isRule("cseq-order, RFC 3261 §12.2.1.1"))
    #expect(judge.isRule("RFC 3261 §12.2.1.1"))
    #expect(!judge.isRule("RFC 3261 §12.2"))
    #expect(!judge.isRule("RFC 3261 §12.2.12"))
    #expect(!judge.isRule("not-cseq-order"))
    let raw = Finding(rule: "the scenario's raw expectation", expected: "a 200 with CSeq 1", observed: "none", evidence: nil)
    #expect(judge.isRight(raw, proves: ["RFC 3261 §12.2.1"]))
    #expect(!judge.isRight(raw, proves: ["RFC 3261 §13"]))
    let field = Finding(rule: "the scenario", expected: "a 200", observed: "a 200, whose CSeq is '2' instead of '1'", evidence: nil)
    #expect(judge.isRight(field, proves: []))
  }

  @Test func `a sign is its parts in their order, whatever is between them`() {
    let judge = ReasonJudge(.init(rules: ["contract 8.1"], signs: ["refused with 404*observed refused with 403"]))
    func finding(_ observed: String) -> Finding {
      Finding(rule: "x", expected: "refused with 404 in 1 s", observed: observed, evidence: nil)
    }
    #expect(judge.isRight(finding("refused with 403 Forbidden"), proves: []))
    #expect(!judge.isRight(finding("refused with 404"), proves: []))
  }

  @Test func `the score is of whole percents, rounded down, and in one line`() {
    var caught = Outcome(defect: "a")
    (caught.failed, caught.right, caught.named) = (2, "in the second run", "x")
    let table = PlantedTable([caught, Outcome(defect: "b"), Outcome(defect: "c")])
    #expect(table.summary == "planted: 3 defects, 33 % caught, 33 % with the right reason, 33 % named by inspect")
    #expect(table.lines.contains("Never caught: b, c"))
    #expect(table.lines.contains("In the first run that fails, in the order of the library, the reason is right for 0 %."))
  }

  @Test func `an outcome comes back from its line`() throws {
    var outcome = Outcome(defect: "a")
    (outcome.runs, outcome.changed, outcome.failed, outcome.first) = (3, 2, 1, "x\ty\nz")
    let again = try #require(Outcome(line: Substring(outcome.line)))
    #expect(again.first == "x y z")
    #expect(again.line == outcome.line)
  }

  /// What both ends share is met by tests with pinned values; they are there.
  @Test func `each vector of the table is a test of the suite`() throws {
    let tests = try FileManager.default.subpathsOfDirectory(atPath: "\(root)/Tests").filter { $0.hasSuffix(".swift") }
      .map { try String(contentsOfFile: "\(root)/Tests/\($0)", encoding: .utf8) }.joined()
    for vector in Vectors.all {
      let parts = vector.test.split(separator: ", ", maxSplits: 1)
      #expect(tests.contains("struct \(parts[0]) ") && tests.contains("func `\(parts.last ?? "")`"), "\(vector.test)")
    }
  }
}
