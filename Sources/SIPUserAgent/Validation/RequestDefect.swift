import SIPMessage

/// What RFC 3261 §8.2 and §12.2.2 want refused in a request, before anybody looks at what it asks for.
public enum RequestDefect: Hashable, Sendable {
  /// 400; the text says which field.
  case unreadable(String)
  /// 415 with what could have been read (§8.2.3).
  case unreadableBody(HeaderField)
  /// 406: no answer of ours would be one that its Accept takes (§21.4.7).
  case noAcceptableAnswer
  /// 416, or what this product says instead (§8.2.2.1).
  case unknownScheme(status: Int)
  /// 420; the options of Require that we do not know, as a header value (§8.2.2.3).
  case unknownExtensions(String)
  /// 481: a CANCEL without its request (§9.2).
  case nothingToCancel
  /// 481: To has a tag of no dialog of ours (§12.2.2).
  case noSuchDialog
  /// A sips URI over UDP, where the product insists on TLS (RFC 5630 §4) and says so.
  case secureTransportWanted(BehaviourRule.Answer)
  /// 482: the same request came by another path and is being served (§8.2.2.2).
  case merged

  /// Whether the offer of a request with this defect can be judged besides: it was read, and is not being served already.
  public var leavesOffer: Bool {
    switch self {
    case .noAcceptableAnswer, .unknownScheme, .unknownExtensions, .secureTransportWanted: true
    case .unreadable, .unreadableBody, .nothingToCancel, .noSuchDialog, .merged: false
    }
  }

  public var status: Int {
    switch self {
    case .unreadable: 400
    case .unreadableBody: 415
    case .noAcceptableAnswer: 406
    case .unknownScheme(let status): status
    case .unknownExtensions: 420
    case .nothingToCancel, .noSuchDialog: 481
    case .secureTransportWanted(let answer): answer.status ?? 480
    case .merged: 482
    }
  }

  /// The reason phrase, where the usual one would not help.
  var reason: String? {
    switch self {
    case .merged: "Request Merged"
    case .unreadable, .unreadableBody, .noAcceptableAnswer, .unknownScheme, .unknownExtensions, .nothingToCancel, .noSuchDialog,
      .secureTransportWanted:
      nil
    }
  }

  /// The header fields that the refusal has to carry.
  var fields: [HeaderField] {
    switch self {
    case .unreadableBody(let field): [field]
    case .unknownExtensions(let options): [HeaderField(.unsupported, options)]
    case .secureTransportWanted(let answer): answer.fields
    case .unreadable, .noAcceptableAnswer, .unknownScheme, .nothingToCancel, .noSuchDialog, .merged: []
    }
  }
}
