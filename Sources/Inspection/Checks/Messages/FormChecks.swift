import Rules
import SDP
import SIPMessage
import SansIO
import WireReader

/// A message follows the grammar of RFC 3261 §25.1. What does not and is read all the same is named, once a kind and sender: other readers
/// may not be so generous.
struct HeaderForm: MessageCheck {
  var rule: Rule { .headerGrammar }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    let forgiven = message.message.forgiven(isInDialog: message.toTag != nil)
    guard !forgiven.isEmpty else { return [] }
    return forgiven.map { one in
      let breach = Self.breach(one.kind)
      return Remark(
        breach.severity, one.section, "a message from \(message.source.address) \(one); it is understood all the same", message.stamp,
        of: breach, by: message.source)
    }
  }

  private static func breach(_ kind: Forgiven.Kind) -> Rule {
    switch kind {
    case .lineFeed, .bareReturn: .lineEnds
    case .control: .controlCharacters
    case .uriCharacter, .emptyUser: .uriCharacters
    case .quotedToken, .unquotedString: .quotedTokens
    case .earlyLineEnds, .versionCase, .phraseSpace, .phraseCharacter, .hostCharacter, .missingBrackets, .nonceCount, .displayName,
      .callID, .emptyParameter, .emptyValue, .parameterCharacter, .emptyElement, .multipartLineFeed, .multipartEnd:
      .headerGrammar
    }
  }
}

/// A session description follows the grammar of RFC 8866 §9.
struct DescriptionGrammar: MessageCheck {
  var rule: Rule { .descriptionGrammar }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard let description = message.description, description.error == nil, let bytes = message.message.body(ofType: "application/sdp")
    else { return [] }
    return DescriptionForm.find(in: bytes).map { one in
      Remark(
        rule.severity, one.section, "SDP from \(message.source.address) \(one); it is understood all the same", message.stamp,
        by: message.source)
    }
  }
}
