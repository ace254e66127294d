/// Every defect that can be planted, in the order of the reference: SIP from the transaction to the dialog, digest, registration, offer and
/// answer, media, reports, connections, configuration, NATs.
public enum DefectCatalogue {
  public static let all: [Defect] =
    transactions + timers + dialogs + sequences + responses + authentication + registrations + descriptions + modifications + media
    + codecs + digits + audio + reports
    + connections + policies + leaks + identities + translators

  public static let names = all.map(\.name)

  /// - Returns: nil where no defect has this name.
  public static func defect(_ name: String) -> Defect? { byName[name] }

  private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
}
