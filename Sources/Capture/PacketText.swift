import SansIO

/// The words for labels and fates, written without a `String`: a test holds them equal to ``Label/description``.
extension ByteCursor {
  /// The room that the longest label and fate need.
  static let labelRoom = 192

  @inline(__always)
  mutating func label(_ label: Label) {
    subject(label.subject)
    if case .rtp = label.subject {
      text(" seq ")
      decimal(label.sequence)
    }
    if label.cause != .first || label.attempt > 0 || label.isDeliberatelyBroken { rarity(of: label) }
  }

  private mutating func rarity(of label: Label) {
    switch label.cause {
    case .first: break
    case .timerA: text(", Timer A")
    case .timerE: text(", Timer E")
    case .timerG: text(", Timer G")
    case .awaitingACK: text(", no ACK yet")
    case .repeated: text(", repeated on request")
    }
    if label.attempt > 0 {
      text(", ")
      decimal(label.attempt)
      ordinalSuffix(label.attempt)
      text(" retransmission")
    }
    if label.isDeliberatelyBroken { text(", deliberately broken") }
  }

  private mutating func ordinalSuffix(_ number: UInt8) {
    switch (number % 10, number % 100) {
    case (1, let tens) where tens != 11: text("st")
    case (2, let tens) where tens != 12: text("nd")
    case (3, let tens) where tens != 13: text("rd")
    default: text("th")
    }
  }

  @inline(__always)
  private mutating func word(_ word: Label.Word) { word.forEach { byte($0) } }

  @inline(__always)
  private mutating func subject(_ subject: Label.Subject) {
    switch subject {
    case .rtp(let payloadType):
      text("RTP ")
      decimal(payloadType)
    case .none: text("data")
    case .request(let name): word(name)
    case .response(let status, let name):
      decimal(status)
      text(" ")
      word(name)
    case .keepAlive: text("keep-alive")
    case .rtcp: text("RTCP")
    case .dtls: text("DTLS")
    case .tlsHandshake: text("TLS handshake")
    case .tlsClose: text("TLS close")
    case .raw: text("raw bytes")
    }
  }
}

extension Fate {
  /// A word for the journal; the number of the fault stands beside it.
  @inline(__always)
  var word: StaticString {
    switch self {
    case .delivered: "delivered"
    case .duplicated: "duplicated"
    case .lost: "lost"
    case .heldBack: "held-back"
    case .corrupted: "corrupted"
    case .dropped: "dropped"
    case .delayed: "delayed"
    case .rewritten: "rewritten"
    case .translated: "translated"
    case .filtered: "filtered"
    case .unroutable: "unroutable"
    case .unknown: "unknown"
    }
  }

  @inline(__always)
  var fault: UInt16? {
    switch self {
    case .dropped(let fault), .delayed(let fault), .rewritten(let fault): fault
    case .delivered, .duplicated, .lost, .heldBack, .corrupted, .translated, .filtered, .unroutable, .unknown: nil
    }
  }
}

/// What a frame's comment says: the sender's label and the fate, or nothing.
enum PacketComment {
  /// Media that simply goes out, segments without a label and what was received say nothing: most of a file.
  @inline(__always)
  static func isSilent(_ record: PacketRecord, isCut: Bool) -> Bool {
    guard !record.label.isDeliberatelyBroken, !isCut else { return false }
    switch record.fate {
    case .delivered, .unknown: guard record.direction == .sent else { return true }
    case .translated: break
    case .duplicated, .lost, .heldBack, .corrupted, .dropped, .delayed, .rewritten, .filtered, .unroutable: return false
    }
    guard record.direction == .received || (record.label.attempt == 0 && record.label.cause == .first) else { return false }
    switch record.label.subject {
    case .rtp, .none: return true
    case .request, .response, .keepAlive, .rtcp, .dtls, .tlsHandshake, .tlsClose, .raw: return false
    }
  }

  static func write(_ record: PacketRecord, frame: IPFrame, to cursor: inout ByteCursor) {
    let start = cursor.position
    switch record.direction {
    case .sent:
      cursor.label(record.label)
      writeFate(record.fate, to: &cursor)
    case .received:
      if record.label.isDeliberatelyBroken { cursor.text("deliberately broken") }
      writeFate(record.fate, to: &cursor, separator: cursor.position > start ? "; " : "")
    }
    guard frame.isCut else { return }
    if cursor.position > start { cursor.text("; ") }
    cursor.text("cut to ")
    cursor.decimal(UInt64(frame.payload))
    cursor.text(" of ")
    cursor.decimal(UInt64(frame.wholePayload))
    cursor.text(" payload bytes, more than an IP packet holds")
  }

  private static func writeFate(_ fate: Fate, to cursor: inout ByteCursor, separator: StaticString = "; ") {
    switch fate {
    case .delivered, .unknown: return
    case .duplicated, .lost, .heldBack, .corrupted, .unroutable, .dropped, .delayed, .rewritten, .translated, .filtered:
      cursor.text(separator)
    }
    switch fate {
    case .delivered, .unknown: return
    case .duplicated: cursor.text("duplicated on the link")
    case .lost(let cause): cursor.text(cause.sentence)
    case .heldBack: cursor.text("held back on the link")
    case .corrupted: cursor.text(Fate.corruptedWords)
    case .unroutable: cursor.text("unroutable")
    case .translated(let port):
      cursor.text("translated by NAT, outside port ")
      cursor.decimal(port)
    case .filtered(let reason):
      cursor.text("dropped by NAT: ")
      cursor.text(reason.sentence)
    case .dropped, .delayed, .rewritten:
      cursor.text(fate.word)
      cursor.text(" by fault ")
      cursor.decimal(fate.fault ?? 0)
    }
  }
}
