import Rules
import SDP
import SIPMessage
import SansIO
import WireReader

/// Header fields have their form, and those that are mandatory are there, once (RFC 3261 §7.3, §8.1.1). Where that leaves unknown to whom
/// or in which dialog a message is, nobody can serve it.
struct MessageForm: MessageCheck {
  var rule: Rule { .messageForm }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    // Without what makes a dialog a 2xx is named by that.
    let makesDialog = message.cseq.method == .invite && (200..<300).contains(message.status ?? 0)
    return message.facts.faults.filter { !makesDialog || !Self.isOfDialog($0.error) }.map { fault in
      if fault.error == .missing(.maxForwards) {
        return Remark(.warning, "RFC 3261 §8.1.1.6", "\(message.title) has no Max-Forwards", message.stamp, by: message.source)
      }
      // What RFC 2543 did not know yet, and what nobody needs to serve the message, is mild.
      let severity: Rule.Severity = fault.isFatal || fault.error == .noTag ? .error : .warning
      let section = fault.isFatal ? "RFC 3261 §7" : "RFC 3261 §7.3"
      return Remark(
        severity, section, "\(message.title): \(fault)", message.stamp, of: fault.isFatal ? .messageUnreadable : rule, by: message.source)
    }
  }
}

extension MessageForm {
  private static func isOfDialog(_ error: SIPHeaderError) -> Bool {
    switch error {
    case .missing(let name), .malformed(let name, _, _): [.from, .to, .contact, .recordRoute].contains(name)
    default: false
    }
  }
}

/// To has a tag in each response above 100 (RFC 3261 §8.2.6.2).
struct TagPresence: MessageCheck {
  var rule: Rule { .toTag }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard let status = message.status, status > 100, message.toTag == nil, message.to != nil else { return [] }
    return [
      Remark(rule, "\(message.title) to \(message.cseq.method.token) has no tag in To", message.stamp, by: message.source)
    ]
  }
}

/// INVITE and its 2xx name one Contact (RFC 3261 §8.1.1.8, §12.1.1).
struct ContactPresence: MessageCheck {
  var rule: Rule { .contactMissing }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    let needs = message.message.method == .invite || message.cseq.method == .invite && (200..<300).contains(message.status ?? 0)
    guard needs, message.message.first(.contact) == nil else { return [] }
    let section = message.message.isRequest ? "RFC 3261 §8.1.1.8" : "RFC 3261 §12.1.1"
    return [
      Remark(
        .error, section, "\(message.title)\(message.message.isRequest ? "" : " to INVITE") has no Contact", message.stamp,
        by: message.source)
    ]
  }
}

/// A body has a type (RFC 3261 §7.4.1, §20.15).
struct BodyType: MessageCheck {
  var rule: Rule { .contentType }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard !message.message.body.isEmpty, message.message.first(.contentType) == nil else { return [] }
    return [
      Remark(
        .error, "RFC 3261 §20.15", "\(message.title) has a body of \(Words.count(message.message.body.count, "byte")) and no Content-Type",
        message.stamp, by: message.source)
    ]
  }
}

/// A session description can be read (RFC 8866 §5); one that cannot is an offer or an answer that nobody can use.
struct ReadableDescription: MessageCheck {
  var rule: Rule { .unreadableDescription }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard let error = message.description?.error else { return [] }
    let breach = Self.breach(message, request)
    return [Remark(breach, "\(message.title): \(error)", message.stamp, by: message.source)]
  }

  private static func breach(_ message: ObservedMessage, _ request: ObservedTransaction?) -> Rule {
    switch message.method {
    case .ack: return .answerUnusable
    case .invite, .update, .prack:
      guard message.status != nil else { return .offerUnusable }
      guard let request else { return .unreadableDescription }
      return request.description == nil ? .offerUnusable : .answerUnusable
    default: return .unreadableDescription
    }
  }
}

/// A request says in its topmost Via by what transport it goes (RFC 3261 §18.1.1).
struct ViaTransport: MessageCheck {
  var rule: Rule { .viaTransport }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard message.message.isRequest, !message.viaTransport.isEmpty else { return [] }
    let said = message.viaTransport.lowercased()
    guard said != message.transport.rawValue, ObservedTransport(rawValue: said) != nil else { return [] }
    return [
      Remark(
        .warning, "RFC 3261 §18.1.1",
        "\(message.title) came over \(message.transport.rawValue.uppercased()), its Via says \(message.viaTransport)",
        message.stamp, by: message.source)
    ]
  }
}

/// A request above 1,300 bytes belongs on a transport with congestion control (RFC 3261 §18.1.1).
struct DatagramSize: MessageCheck {
  var rule: Rule { .datagramSize }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard message.transport == .udp else { return [] }
    let count = message.message.bytes.count
    if message.fragments > 1 {
      return [
        Remark(
          .note, "RFC 3261 §18.1.1",
          "\(message.title) of \(Words.count(count, "byte")) came in \(Words.count(message.fragments, "IP fragment")), which firewalls "
            + "often drop",
          message.stamp, by: message.source)
      ]
    }
    guard message.message.isRequest, count > 1_300 else { return [] }
    return [
      Remark(
        .note, "RFC 3261 §18.1.1", "\(message.title) has \(Words.count(count, "byte")) over UDP, more than the 1,300 that are allowed",
        message.stamp, by: message.source)
    ]
  }
}

/// A Contact that only the sender's own network can reach.
struct PrivateContact: MessageCheck {
  var rule: Rule { .contactElsewhere }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard message.message.isRequest || message.cseq.method == .invite, !message.source.address.isPrivate,
      let address = message.facts.contact?.uri.address, address.isPrivate
    else { return [] }
    return [
      Remark(
        .warning, "RFC 3261 §8.1.1.8",
        "\(message.title) from \(message.source.address) has the private address \(address) in Contact: "
          + "requests to it do not arrive unless a NAT helper rewrites it",
        message.stamp, by: message.source)
    ]
  }
}

extension IPAddress {
  /// Addresses that mean nothing elsewhere (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 §2.5.6); loopback is its own world.
  var isPrivate: Bool {
    let address = unmapped
    if address.isIPv6 { return address.high >> 57 == 0x7E || address.high >> 54 == 0x3FA || address == .loopbackV6 }
    let word = UInt32(truncatingIfNeeded: address.low)
    return word >> 24 == 10 || word >> 20 == 0xAC1 || word >> 16 == 0xC0A8 || word >> 22 == 0x191 || word >> 16 == 0xA9FE
      || word >> 24 == 127
  }
}
