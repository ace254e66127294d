import Personas
import ScenarioModel
import Testing

@Suite struct KnownPersonaTests {
  @Test func `the language knows the products and habits that there are`() {
    #expect(KnownPersona.all.map(\.id) == PersonaProfile.all.map(\.id))
    for profile in PersonaProfile.all { #expect(KnownPersona.named(profile.id)?.quirks == profile.quirks.map(\.id).sorted()) }
  }
}
