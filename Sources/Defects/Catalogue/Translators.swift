/// NATs that are not as they say (RFC 4787).
extension DefectCatalogue {
  static let translators = [
    Defect(
      "nat-binding-never-expires", "The bindings of its NAT live for ever.", source: "RFC 4787 §4.3 (C8)", at: [.persona],
      breaks: ["RFC 4787 §4.3"], words: ["expire", "binding"], .nat { $0.lifetime = .seconds(1_000_000) }),
    Defect(
      "nat-binding-expires-early", "The bindings of its NAT live for five seconds.", source: "RFC 4787 §4.3 (C8)", at: [.persona],
      breaks: ["RFC 4787 §4.3"], words: ["expire", "binding", "expired"], .nat { $0.lifetime = .seconds(5) }),
    Defect(
      "nat-lets-anybody-in", "Its NAT lets anybody answer over a binding.", source: "RFC 4787 §5 (C8)", at: [.persona],
      breaks: ["RFC 4787 §5"], words: ["stranger", "dropped", "filter"], .nat { $0.letsAnybodyIn = true }),
    Defect(
      "nat-maps-by-destination", "Its NAT gives each destination another port.", source: "RFC 4787 §4.1 (C8); SIPp #761, sipgox #4",
      at: [.persona], breaks: ["RFC 4787 §4.1"], words: ["mapping", "port"], .nat { $0.mapsByDestination = true }),
    Defect(
      "nat-shares-mapping", "Two hosts inside that use the same port have one binding: what comes in goes to the first.",
      source: "SIPp #761, sipgox #4 (C8)", at: [.persona], breaks: ["RFC 4787 §4.1", "RFC 4787 §4.2.1"], words: ["mapping", "port"],
      .nat { $0.confusesInside = true }),
  ]
}
