import SansIO

/// Something in a message that the grammar does not have and this reader understands all the same (RFC 3261 §25.1).
public struct Forgiven: Hashable, Sendable {
  public enum Kind: Hashable, Sendable, CaseIterable {
    // Lines (§7).
    case lineFeed, bareReturn, earlyLineEnds, control
    // Start line (§7.1, §7.2).
    case versionCase, phraseSpace, phraseCharacter
    // URIs (§19.1).
    case uriCharacter, emptyUser, hostCharacter, missingBrackets
    // Tokens and strings (§25.1).
    case quotedToken, unquotedString, nonceCount, displayName, callID
    // Parameters and lists (§7.3.1).
    case emptyParameter, emptyValue, parameterCharacter, emptyElement
    // Multipart bodies (RFC 2046 §5.1.1).
    case multipartLineFeed, multipartEnd
  }

  /// Where it is.
  public enum Place: Hashable, Sendable {
    case startLine, requestURI, body
    case field(KnownHeader)
  }

  public var kind: Kind
  public var place: Place
  /// What of the place it is about, in words that no peer chose: `user part`, `transport`.
  public var part = ""
  /// The character that does not belong there.
  public var byte: UInt8?
  /// From the message's first byte.
  public var offset: Int

  /// What is the same in every message of a careless writer.
  func isSame(as other: Forgiven) -> Bool {
    kind == other.kind && place == other.place && part == other.part && byte == other.byte
  }
}

extension Forgiven.Place: CustomStringConvertible {
  public var description: String {
    switch self {
    case .startLine: "the start line"
    case .requestURI: "the Request-URI"
    case .body: "its body"
    case .field(let known): known == .other ? "the header" : known.text
    }
  }
}

extension Forgiven: CustomStringConvertible {
  /// What a message does, as the rest of a sentence that begins with it.
  public var description: String {
    switch kind {
    case .lineFeed: "ends lines of its header with LF instead of CRLF"
    case .bareReturn: "has a CR without LF in \(place)"
    case .earlyLineEnds: "begins with line ends before its start line"
    case .control: "has \(character) in \(place)"
    case .versionCase: "does not write SIP/2.0 in capitals"
    case .phraseSpace: "has no space behind its status code"
    case .phraseCharacter: "has \(character) unescaped in its reason phrase"
    case .uriCharacter: "has \(character) unescaped in the \(part) of a URI in \(place)"
    case .emptyUser: "has a URI in \(place) with '@' and no user before it"
    case .hostCharacter: "has a host in \(place) that is not a host name: \(part)"
    case .missingBrackets: "has a URI in \(place) with a ';', '?' or ',' of its own and without angle brackets"
    case .quotedToken: "quotes \(part) in \(place), which is a token"
    case .unquotedString: "does not quote \(part) in \(place), which is a quoted string"
    case .nonceCount: "has an nc in \(place) that is not eight hexadecimal digits"
    case .displayName: "has \(character) in a display name in \(place) that is not quoted"
    case .callID: "has \(character) in its Call-ID"
    case .emptyParameter: "has an empty parameter in \(place)"
    case .emptyValue: "has a parameter in \(place) with '=' and no value"
    case .parameterCharacter: "has \(character) in a parameter in \(place) that is not quoted"
    case .emptyElement: "has an empty element in \(place)"
    case .multipartLineFeed: "ends lines of its multipart body with LF instead of CRLF"
    case .multipartEnd: "has a multipart body without its last boundary"
    }
  }

  private var character: String { byte.map(Self.name) ?? "a character" }

  /// `'#'`, `NUL`, `UTF-8`.
  public static func name(_ byte: UInt8) -> String {
    switch byte {
    case 0: "NUL"
    case 1..<32, 127: "the control character \(byte)"
    case 128...: "text above ASCII"
    default: "'\(Character(Unicode.Scalar(byte)))'"
    }
  }

  public var section: String {
    switch kind {
    case .lineFeed, .bareReturn: "RFC 3261 §7"
    case .earlyLineEnds: "RFC 3261 §7.5"
    case .versionCase: "RFC 3261 §7.1"
    case .phraseSpace: "RFC 3261 §7.2"
    case .uriCharacter: "RFC 3261 §19.1.2"
    case .emptyUser, .hostCharacter: "RFC 3261 §19.1.1"
    case .missingBrackets: "RFC 3261 §20.10"
    case .multipartLineFeed, .multipartEnd: "RFC 2046 §5.1.1"
    case .nonceCount, .quotedToken, .unquotedString, .control, .phraseCharacter, .displayName, .callID, .emptyParameter, .emptyValue,
      .parameterCharacter, .emptyElement:
      "RFC 3261 §25.1"
    }
  }
}

extension SIPMessage {
  /// What its writer was forgiven, each kind once a place; empty for a message that follows the grammar. What is unreadable or missing is
  /// not among it: ``faults()`` has that. Nor is what it has to repeat of another's words: of its request, or of the other side of its
  /// dialog.
  ///
  /// - Parameter isInDialog: it is a request within a dialog.
  public func forgiven(isInDialog: Bool = false) -> [Forgiven] {
    var audit = FormAudit()
    audit.run(self, isInDialog: isInDialog)
    return audit.found
  }
}
