/// What readers of YAML 1.1, such as PyYAML, make of a word without quotes, where YAML 1.2 leaves it a word.
enum YAML11 {
  private static let words: Set<String> = ["y", "yes", "n", "no", "on", "off", "true", "false", "null", "~"]

  /// Whether they take it for a truth value or for nothing.
  static func isOther(_ word: String) -> Bool { words.contains(word.lowercased()) }
}
