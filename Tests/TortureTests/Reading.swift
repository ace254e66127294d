import SIPMessage

/// `reads:` of a torture file: a name, and what the typed reading of it has to say.
enum Reading {
  static func holds(_ line: String, in message: SIPMessage) -> Bool {
    if line.hasPrefix("to-equals "), let to = try? message.to().uri, let other = try? SIPURI(parsing: String(line.dropFirst(10))) {
      return to.isEquivalent(to: other)
    }
    return text(line, in: message) == line
  }

  /// The line as it would have to be.
  static func text(_ line: String, in message: SIPMessage) -> String {
    let words = line.split(separator: " ").map(String.init)
    let name = words.first ?? ""
    let value: String?
    switch name {
    case "from-tag": value = try? message.from().tag
    case "from-name": value = try? message.from().displayName
    case "cseq": value = (try? message.cseq()).map { "\($0)" }
    case "vias": value = (try? message.vias().count).map(String.init)
    case "contacts": value = contacts(message).map(String.init)
    case "method": value = message.method?.token
    case "status": value = message.status.map(String.init)
    case "uri-user": value = try? message.requestURI().user
    case "uri-host": value = try? message.requestURI().host.text
    case "uri-port": value = (try? message.requestURI().port.map(String.init) ?? "none")
    case "via-received": value = try? message.via().received
    case "body": value = String(message.body.count)
    case "parts": value = message.multipart()?.parts.map(\.contentType).joined(separator: " ")
    case "info": value = (try? message.infoReferences(HeaderName(words[1])).count).map { "\(words[1]) \($0)" }
    case "addresses": value = (try? message.addresses(HeaderName(words[1])).count).map { "\(words[1]) \($0)" }
    default: value = nil
    }
    return "\(name) \(value ?? "nothing")"
  }

  private static func contacts(_ message: SIPMessage) -> Int? {
    switch try? message.contacts() {
    case .list(let list): list.count
    case .some(.none): 0
    case .star, nil: nil
    }
  }
}
