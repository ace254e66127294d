import Testing

@testable import ScenarioModel

@Suite struct CatalogueTests {
  @Test func `the suite has 230 checks in 27 groups, numbered without gaps, of six classes`() {
    #expect(CheckCatalogue.checks.count == 230)
    #expect(CheckCatalogue.groups.count == 27)
    #expect(CheckCatalogue.checks.allSatisfy { $0.title.count > 8 })
    for group in CheckCatalogue.groups {
      let ids = CheckCatalogue.checks.filter { $0.group == group.id }.map(\.id)
      #expect(ids == (1...ids.count).map { "\(group.id)-\($0 < 10 ? "0" : "")\($0)" })
    }
    let kinds = Check.Kind.allCases.map { kind in CheckCatalogue.checks.count { $0.kind == kind } }
    #expect(kinds == [141, 18, 12, 5, 39, 15])
  }

  @Test(arguments: [
    "CALL-01", "TRN-06", "RFC 3261", "RFC 3261 §9", "RFC 3261 §17.1.1.2", "RFC 3550 §A.1", "contract 8", "contract 8.1",
    "persona asterisk-22", "quirk cucm-14-trunk/call-id",
  ])
  func `a proof can be a check, a section, a persona or a quirk`(text: String) { #expect(ProofReference.mistake(in: text) == nil) }

  @Test(arguments: [
    "", "CALL", "CALL-1", "CALL-99", "call-01", "RFC", "RFC3261", "RFC 3261 9.1", "RFC 3261 §", "RFC 3261 §9..1", "RFC 3261 §x",
    "RFC 03261", "contract", "contract x", "contract 8.1 a",
    "persona nobody", "quirk asterisk-22", "quirk nobody/x", "quirk asterisk-22/", "quirk asterisk-22/nobody-does-that", "XYZ-01",
  ])
  func `what refers to nothing is a mistake`(text: String) { #expect(ProofReference.mistake(in: text) != nil) }
}
