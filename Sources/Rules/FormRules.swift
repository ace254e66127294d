import SansIO

/// The grammar where readers are generous: what is understood all the same, and by other readers may not be.
///
/// No run fails by it unless its scenario asks: a peer that is merely untidy does its work.
extension Rule {
  public static let lineEnds = Rule(
    "line-ends", .warning, "RFC 3261 §7", "each line of a header ends with CRLF", failsRuns: .asked)
  public static let controlCharacters = Rule(
    "control-characters", .warning, "RFC 3261 §25.1", "a header has no NUL and no other control characters", failsRuns: .asked)
  public static let uriCharacters = Rule(
    "uri-characters", .warning, "RFC 3261 §19.1.2", "what a part of a URI may not contain is escaped in it", failsRuns: .asked)
  public static let quotedTokens = Rule(
    "quoting", .note, "RFC 3261 §25.1", "a value that is a quoted string has quotes, and one that is a token has none")
  public static let headerGrammar = Rule(
    "header-grammar", .note, "RFC 3261 §25.1", "start line and header fields follow the grammar")
  public static let descriptionGrammar = Rule(
    "sdp-grammar", .note, "RFC 8866 §9", "a session description follows the grammar")
  public static let messageCut = Rule(
    "message-cut", .warning, "RFC 3261 §18.3", "a connection does not end within a message", judgesAbsence: true)

  /// What a reader may say of a peer although it serves it.
  public static let forgiven: [Rule] = [
    lineEnds, controlCharacters, uriCharacters, quotedTokens, headerGrammar, descriptionGrammar, messageCut,
  ]
}
