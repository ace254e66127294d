import SDP
import SIPMessage
import SansIO
import WireReader

/// To, From, CSeq, Call-ID, Via, and Max-Forwards in requests (RFC 3261 §8.1.1). Max-Forwards is new in RFC 3261, so its absence is mild.
struct MandatoryHeaders: MessageCheck {
  let name = "mandatory-headers"

  func check(_ message: ObservedMessage) -> [Remark] {
    var remarks = message.mistakes.map { Remark(.error, "RFC 3261 §8.1.1", "\(message.title): \($0)", message.stamp) }
    if message.message.isRequest, message.message.first(.maxForwards) == nil {
      remarks.append(Remark(.warning, "RFC 3261 §8.1.1.6", "\(message.title) has no Max-Forwards", message.stamp))
    }
    for header in [HeaderName.from, .to, .callID, .cseq] where message.message.all(header).count > 1 {
      remarks.append(
        Remark(.error, "RFC 3261 §7.3.1", "\(message.title) has \(header) \(Words.times(message.message.all(header).count))", message.stamp)
      )
    }
    return remarks
  }
}

/// The method in CSeq is the request's (RFC 3261 §8.1.1.5).
struct CSeqMethod: MessageCheck {
  let name = "cseq-method"

  func check(_ message: ObservedMessage) -> [Remark] {
    guard let method = message.message.method, method != message.cseq.method else { return [] }
    return [Remark(.error, "RFC 3261 §8.1.1.5", "\(method.token) has the method \(message.cseq.method.token) in CSeq", message.stamp)]
  }
}

/// The branch of the topmost Via (RFC 3261 §8.1.1.7).
struct BranchCookie: MessageCheck {
  let name = "branch-cookie"

  func check(_ message: ObservedMessage) -> [Remark] {
    guard message.message.isRequest, message.message.first(.via) != nil, !message.branch.hasPrefix(Via.magicCookie) else { return [] }
    let text =
      message.branch.isEmpty ? "has no branch in Via" : "has the branch '\(message.branch.prefix(40))', which does not begin with z9hG4bK"
    return [Remark(.note, "RFC 3261 §8.1.1.7", "\(message.title) \(text): its sender follows RFC 2543", message.stamp)]
  }
}

/// From has a tag, and a response's To too, except in 100 (RFC 3261 §8.1.1.3, §8.2.6.2).
struct TagPresence: MessageCheck {
  let name = "tags"

  func check(_ message: ObservedMessage) -> [Remark] {
    var remarks: [Remark] = []
    if let from = message.from, from.tag == nil {
      remarks.append(Remark(.error, "RFC 3261 §8.1.1.3", "\(message.title) has no tag in From", message.stamp))
    }
    if let status = message.status, status > 100, let to = message.to, to.tag == nil {
      remarks.append(
        Remark(.error, "RFC 3261 §8.2.6.2", "\(message.title) to \(message.cseq.method.token) has no tag in To", message.stamp))
    }
    return remarks
  }
}

/// INVITE and its 2xx name one Contact (RFC 3261 §8.1.1.8, §12.1.1).
struct ContactPresence: MessageCheck {
  let name = "contact"

  func check(_ message: ObservedMessage) -> [Remark] {
    let needs = message.message.method == .invite || message.cseq.method == .invite && (200..<300).contains(message.status ?? 0)
    guard needs, message.message.first(.contact) == nil else { return [] }
    let rule = message.message.isRequest ? "RFC 3261 §8.1.1.8" : "RFC 3261 §12.1.1"
    return [Remark(.error, rule, "\(message.title)\(message.message.isRequest ? "" : " to INVITE") has no Contact", message.stamp)]
  }
}

/// A body has a type (RFC 3261 §7.4.1, §20.15).
struct BodyType: MessageCheck {
  let name = "content-type"

  func check(_ message: ObservedMessage) -> [Remark] {
    guard !message.message.body.isEmpty, message.message.first(.contentType) == nil else { return [] }
    return [
      Remark(
        .error, "RFC 3261 §20.15", "\(message.title) has a body of \(Words.count(message.message.body.count, "byte")) and no Content-Type",
        message.stamp)
    ]
  }
}

/// A session description can be read (RFC 8866 §5).
struct ReadableDescription: MessageCheck {
  let name = "unreadable-sdp"

  func check(_ message: ObservedMessage) -> [Remark] {
    guard let error = message.description?.error else { return [] }
    return [Remark(.error, "RFC 8866 §5", "\(message.title): \(error)", message.stamp)]
  }
}

/// A request says in its topmost Via by what transport it goes (RFC 3261 §18.1.1).
struct ViaTransport: MessageCheck {
  let name = "via-transport"

  func check(_ message: ObservedMessage) -> [Remark] {
    guard message.message.isRequest, let via = try? message.message.via() else { return [] }
    let said = via.transport.lowercased()
    guard said != message.transport.rawValue, ["udp", "tcp", "tls"].contains(said) else { return [] }
    return [
      Remark(
        .warning, "RFC 3261 §18.1.1",
        "\(message.title) came over \(message.transport.rawValue.uppercased()), its Via says \(via.transport)",
        message.stamp)
    ]
  }
}

/// A request above 1,300 bytes belongs on a transport with congestion control (RFC 3261 §18.1.1).
struct DatagramSize: MessageCheck {
  let name = "datagram-size"

  func check(_ message: ObservedMessage) -> [Remark] {
    guard message.transport == .udp else { return [] }
    let count = message.message.bytes.count
    if message.fragments > 1 {
      return [
        Remark(
          .note, "RFC 3261 §18.1.1",
          "\(message.title) of \(Words.count(count, "byte")) came in \(Words.count(message.fragments, "IP fragment")), which firewalls "
            + "often drop",
          message.stamp)
      ]
    }
    guard message.message.isRequest, count > 1_300 else { return [] }
    return [
      Remark(
        .note, "RFC 3261 §18.1.1", "\(message.title) has \(Words.count(count, "byte")) over UDP, more than the 1,300 that are allowed",
        message.stamp)
    ]
  }
}

/// A Contact that only the sender's own network can reach.
struct PrivateContact: MessageCheck {
  let name = "private-contact"

  func check(_ message: ObservedMessage) -> [Remark] {
    guard message.message.isRequest || message.cseq.method == .invite, !message.source.address.isPrivate,
      case .list(let contacts) = (try? message.message.contacts()) ?? .none, let contact = contacts.first,
      let address = contact.uri.host.address, address.isPrivate
    else { return [] }
    return [
      Remark(
        .warning, "RFC 3261 §8.1.1.8",
        "\(message.title) from \(message.source.address) has the private address \(address) in Contact: "
          + "requests to it do not arrive unless a NAT helper rewrites it",
        message.stamp)
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
