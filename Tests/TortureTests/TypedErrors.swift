import SIPMessage

/// Errors as `parse` and `fault` of the fixtures name them: the case, then its values; a text is between single quotes.
extension SIPParseError {
  var words: String {
    switch self {
    case .empty: "empty"
    case .startLine: "startLine"
    case .requestLineSpacing: "requestLineSpacing"
    case .version(let text): "version '\(text)'"
    case .statusCode(let text): "statusCode '\(text)'"
    case .fieldWithoutColon: "fieldWithoutColon"
    case .fieldName: "fieldName"
    case .noEndOfHeader: "noEndOfHeader"
    case .contentLength(let text): "contentLength '\(text)'"
    case .contentLengths(let first, let second): "contentLengths \(first) '\(second)'"
    case .contentLengthMissing: "contentLengthMissing"
    case .bodyShort(let declared, _): "bodyShort \(declared)"
    case .startLineTooLong: "startLineTooLong"
    case .fieldTooLong: "fieldTooLong"
    case .tooManyFields: "tooManyFields"
    case .messageTooLong: "messageTooLong"
    }
  }
}

extension MessageFault {
  var words: String {
    let what: String =
      switch error {
      case .missing(let name): "missing \(name)"
      case .repeated(let name): "repeated \(name)"
      case .malformed(let name, let value, _): "malformed \(name) '\(value)'"
      case .uri(let value, _): "uri '\(value)'"
      case .methodMismatch(let line, let cseq): "methodMismatch \(cseq) \(line)"
      case .noTag: "noTag"
      case .noBranch(let branch): "noBranch '\(branch ?? "")'"
      }
    return "\(weight) \(what)"
  }
}
