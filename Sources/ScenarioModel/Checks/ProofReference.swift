/// What an element of `proves:` may be.
///
/// - a check of the suite: `CALL-01`
/// - a section of an RFC or a whole one: `RFC 3261 §13.3.1.4`, `RFC 3550 §A.1`, `RFC 6026`
/// - a section of Kallglot's contract: `contract 8.1`
/// - a product, or one of its habits: `persona asterisk-22`, `quirk cucm-14-trunk/call-id`
enum ProofReference {
  static let forms = "a check id such as CALL-01, 'RFC 3261 §9.1', 'contract 8.1', 'persona NAME' or 'quirk NAME/HABIT'"

  /// What is wrong with a reference; nil when nothing is.
  static func mistake(in text: String) -> String? {
    let words = text.split(separator: " ").map(String.init)
    switch words.first {
    case "RFC" where isRFC(words):
      return KnownRFC.mistake(Int(words[1]) ?? 0, section: words.count == 3 ? String(words[2].dropFirst()) : nil)
    case "contract" where words.count == 2 && isSection(words[1]): return nil
    case "persona" where words.count == 2: return unknownPersona(words[1])
    case "quirk" where words.count == 2:
      let parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[1].isEmpty else { return "'\(text)' is not of the form 'quirk NAME/HABIT'" }
      return unknownPersona(String(parts[0])) ?? unknownQuirk(String(parts[1]), of: String(parts[0]))
    case let first? where words.count == 1 && isCheck(first):
      guard CheckCatalogue.check(first) == nil else { return nil }
      let group = first.prefix { $0 != "-" }
      guard CheckCatalogue.groups.contains(where: { $0.id == group }) else {
        return
          "unknown check '\(first)': the group \(group) does not "
          + "exist\(Spelling.hint(for: String(group), among: CheckCatalogue.groups.map(\.id)))"
      }
      let ids = CheckCatalogue.checks.filter { $0.group == group }.map(\.id)
      return "unknown check '\(first)': \(group) has \(ids.first ?? "") to \(ids.last ?? "")"
    default: return "'\(text)' is not \(forms)"
    }
  }

  private static func unknownPersona(_ name: String) -> String? {
    let names = KnownPersona.all.map(\.id)
    return names.contains(name) ? nil : "unknown persona '\(name)'\(Spelling.hint(for: name, among: names))"
  }

  private static func unknownQuirk(_ id: String, of persona: String) -> String? {
    let ids = KnownPersona.named(persona)?.quirks ?? []
    return ids.contains(id) ? nil : "\(persona) has no quirk '\(id)'\(Spelling.hint(for: id, among: ids))"
  }

  /// `CALL-01`, or what looks like it.
  private static func isCheck(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count == 2 && parts[0].allSatisfy(\.isUppercase) && !parts[0].isEmpty && Int(parts[1]) != nil
  }

  /// `RFC 3261`, `RFC 3261 §17.1.1.2`.
  private static func isRFC(_ words: [String]) -> Bool {
    guard (2...3).contains(words.count), let number = Int(words[1]), (1...99_999).contains(number), words[1].first != "0" else {
      return false
    }
    return words.count == 2 || words[2].hasPrefix("§") && isSection(String(words[2].dropFirst()))
  }

  /// `13.3.1.4`, `A.1`.
  private static func isSection(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.enumerated().allSatisfy { index, part in
      Int(part).map { $0 >= 0 } ?? false || index == 0 && part.count == 1 && part.allSatisfy { $0.isUppercase && $0.isLetter }
    }
  }
}

extension ValueType where Value == String {
  /// Taken as it stands: only `lint` refuses a reference that does not exist.
  static var proof: ValueType {
    ValueType(.quantity(.proof)) { (place, scope) throws(SourceProblem) in
      let text = try place.text()
      if let mistake = ProofReference.mistake(in: text) { scope.notes.addReference(place.problem(mistake)) }
      return text
    }
  }
}
