import SIPMessage

/// Offer and answer (RFC 3264, RFC 8866).
extension DefectCatalogue {
  static let descriptions: [Defect] = origins + answers + places

  private static let origins = [
    Defect(
      "origin-version-not-raised", "A changed description has the version of the first in its o= line.",
      source: "JsSIP #312, pjproject #1659",
      at: [.endpoint, .persona], breaks: ["origin-version", "RFC 3264 §8", "RFC 8866 §5.2"], words: ["o=", "version"],
      .sends { message, _, memory in
        let key = "\(message.callID)"
        message.mapSDP { line in
          guard line.hasPrefix("o=") else { return line }
          var words = line.split(separator: " ").map(String.init)
          guard words.count == 6 else { return line }
          if memory[word: key] == nil { memory[word: key] = words[2] }
          words[2] = memory[word: key] ?? words[2]
          return words.joined(separator: " ")
        }
      }),
    Defect(
      "origin-version-jumps", "The version in the o= line grows by ten.", source: "RFC 3264 §8", at: [.endpoint, .persona],
      breaks: ["origin-version", "RFC 3264 §8", "RFC 8866 §5.2"], words: ["o=", "version"],
      .sends { message, _, memory in
        let key = message.callID
        message.mapSDP { line in
          guard line.hasPrefix("o=") else { return line }
          var words = line.split(separator: " ").map(String.init)
          guard words.count == 6, let version = Int(words[2]) else { return line }
          if memory[number: key] == nil { memory[number: key] = version }
          words[2] = "\(version + (version - (memory[number: key] ?? version)) * 9)"
          return words.joined(separator: " ")
        }
      }),
    Defect(
      "origin-session-changes", "Each description has another session id in its o= line.", source: "pjproject #1659 class",
      at: [.endpoint, .persona], breaks: ["origin-version", "RFC 3264 §8", "RFC 8866 §5.2"], words: ["o="],
      .sends { message, _, memory in
        let key = message.callID
        message.mapSDP { line in
          guard line.hasPrefix("o=") else { return line }
          var words = line.split(separator: " ").map(String.init)
          guard words.count == 6 else { return line }
          if memory[word: "\(key) \(words[2])"] == nil { memory[word: "\(key) \(words[2])"] = "\(words[1])\(memory.count(key))" }
          words[1] = memory[word: "\(key) \(words[2])"] ?? words[1]
          return words.joined(separator: " ")
        }
      }),
  ]

  private static let answers = [
    Defect(
      "answer-missing", "The 200 to an INVITE with an offer has no description.", source: "RFC 3261 §13.2.1 (C14)",
      at: [.endpoint, .persona], breaks: ["answer-missing", "RFC 3261 §13.2.1", "RFC 3264 §6"],
      words: ["answer", "body"],
      .both(
        sends: { message, _, memory in
          guard message.isResponse(200...299, to: "INVITE"), memory[word: message.branch] != nil else { return }
          message.body = ""
          message[.contentType] = nil
        },
        receives: { message, _, memory in
          if message.isRequest("INVITE"), message.hasDescription { memory[word: message.branch] = "" }
        })),
    Defect(
      "answer-in-ack-missing", "The ACK of a 200 that has an offer has no answer.", source: "voip_patrol #19, sip-to-ai #12 (C14)",
      at: [.endpoint, .persona], breaks: ["answer-missing", "RFC 3261 §13.2.1", "RFC 3264 §6"], words: ["answer"],
      .sends { message, _, _ in
        if message.isRequest("ACK") {
          message.body = ""
          message[.contentType] = nil
        }
      }),
    Defect(
      "answer-drops-refused-stream", "A stream that is refused has no m= line in the answer.", source: "SIP.js #685 (C14)",
      at: [.endpoint], breaks: ["answer-stream-count", "RFC 3264 §6"], words: ["m=", "body"],
      .sends { message, _, _ in
        guard !message.isRequest else { return }
        var isRefused = false
        message.mapSDP { line in
          if line.hasPrefix("m=") { isRefused = line.split(separator: " ").dropFirst().first == "0" }
          return isRefused ? nil : line
        }
      }),
    Defect(
      "refused-stream-keeps-port", "A stream that is refused has a port in the answer.", source: "SIP.js #685 (C14)", at: [.endpoint],
      breaks: ["RFC 3264 §6", "RFC 3264 §8.2"], words: ["m=", "body"],
      .sends { message, _, _ in
        guard !message.isRequest else { return }
        message.mapSDP { line in
          guard line.hasPrefix("m="), line.split(separator: " ").dropFirst().first == "0" else { return line }
          return line.replacing(" 0 ", with: " 40000 ", maxReplacements: 1)
        }
      }),
    Defect(
      "answer-with-own-payload-number", "The answer calls the codec by a number of its own, not by the offer's.",
      source: "pjproject #3700", at: [.endpoint], breaks: ["answer-format", "rtp-payload-type", "RFC 3264 §6.1"],
      words: ["rtpmap", "body", "m="],
      .sends { message, _, _ in
        guard !message.isRequest else { return }
        message.mapSDP { line in
          line.replacing(" 96", with: " 118").replacing(":96 ", with: ":118 ").replacing(" 97", with: " 119").replacing(
            ":97 ", with: ":119 ")
        }
      }),
    Defect(
      "answer-with-own-event-number", "The answer has a number of its own for telephone-event.", source: "rtpengine #1493, pjproject #1300",
      at: [.endpoint], breaks: ["answer-format", "rtp-payload-type", "RFC 3264 §6.1", "RFC 4733 §2.5.1.1"],
      words: ["telephone-event", "body"],
      .sends { message, _, _ in
        guard !message.isRequest, message.hasDescription,
          let number = message.sdp.first(where: { $0.contains("telephone-event") })?.dropFirst(9).prefix(while: { $0 != " " })
        else { return }
        message.mapSDP { line in
          if line.hasPrefix("m="), line.hasSuffix(" \(number)") { return "\(line.dropLast(number.count))120" }
          return line.replacing("rtpmap:\(number) ", with: "rtpmap:120 ").replacing("fmtp:\(number) ", with: "fmtp:120 ")
        }
      }),
    Defect(
      "answer-with-codec-not-offered", "The answer has a codec that was not offered.", source: "sipsorcery #77 class",
      at: [.endpoint, .persona], breaks: ["answer-format", "RFC 3264 §6.1"], words: ["m=", "body"],
      .both(
        sends: { message, _, memory in
          guard !message.isRequest, memory[word: message.branch] != nil else { return }
          message.mapSDP { line in
            guard line.hasPrefix("m=audio"), let port = line.split(separator: " ").dropFirst().first, port != "0" else { return line }
            return "m=audio \(port) RTP/AVP 18"
          }
        },
        receives: { message, _, memory in
          if message.isRequest("INVITE"), message.hasDescription { memory[word: message.branch] = "" }
        })),
    Defect(
      "answer-lies-of-direction", "An offer of sendonly is answered sendrecv.", source: "RFC 3264 §6.1", at: [.endpoint, .persona],
      breaks: ["answer-direction", "RFC 3264 §6.1"], words: ["sendrecv", "recvonly", "body"],
      .sends { message, _, _ in
        if !message.isRequest { message.mapSDP { $0 == "a=recvonly" || $0 == "a=inactive" ? "a=sendrecv" : $0 } }
      }),
    Defect(
      "answers-differ", "The 200 has another answer than the 183 before it.", source: "RFC 3261 §13.2.1; rtpengine #1330 class",
      at: [.endpoint, .persona], breaks: ["second-answer", "RFC 3261 §13.2.1"], words: ["answer"],
      .sends { message, _, _ in
        guard message.isResponse(200...299, to: "INVITE") else { return }
        message.mapSDP { line in
          guard line.hasPrefix("m=audio "), let port = line.split(separator: " ").dropFirst().first, let number = Int(port), number > 0
          else { return line }
          return line.replacing(" \(number) ", with: " \(number + 2) ", maxReplacements: 1)
        }
      }),
    Defect(
      "answer-with-other-profile", "An offer of RTP/AVP is answered RTP/SAVP.", source: "RFC 3264 §6", at: [.endpoint, .persona],
      breaks: ["answer-profile", "RFC 3264 §6"], words: ["RTP/AVP", "body"],
      .sends { message, _, _ in
        if !message.isRequest { message.mapSDP { $0.hasPrefix("m=") ? $0.replacing("RTP/AVP ", with: "RTP/SAVP ") : $0 } }
      }),
    Defect(
      "packet-time-ignored", "The answer says nothing of the packet time that the offer wants.", source: "RFC 8866 §6.4", at: [.endpoint],
      breaks: ["packet-time", "RFC 8866 §6.4"], words: ["ptime", "body"],
      .sends { message, _, _ in if !message.isRequest { message.mapSDP { $0.hasPrefix("a=ptime") ? nil : $0 } } }),
    Defect(
      "codec-order-ignored", "The answer has the codecs in the opposite order.", source: "RFC 3264 §6.1", at: [.endpoint],
      breaks: ["RFC 3264 §6.1", "contract 8.5", "contract 8.1"], words: ["m=", "body"],
      .sends { message, _, _ in
        guard !message.isRequest else { return }
        message.mapSDP { line in
          let words = line.split(separator: " ").map(String.init)
          guard line.hasPrefix("m=audio"), words.count > 4 else { return line }
          return (words[..<3] + words[3...].reversed()).joined(separator: " ")
        }
      }),
  ]

  private static let places = [
    Defect(
      "media-at-private-address", "Its descriptions name a private address.", source: "SIPp #761 class (C8)", at: [.endpoint],
      breaks: ["private-address", "RFC 8866 §5.7"], words: ["c=", "body"],
      .sends { message, _, _ in message.mapSDP { $0.hasPrefix("c=IN IP4 ") ? "c=IN IP4 10.99.0.1" : $0 } }),
    Defect(
      "media-port-off-by-two", "Its descriptions name the port beside its own.", source: "rtpengine #1443 class",
      at: [.endpoint, .persona],
      breaks: ["media-port", "one-way-audio", "RFC 3264 §5.1", "RFC 3264 §6", "media-address"], words: ["port", "RTP"],
      .sends { message, _, _ in
        message.mapSDP { line in
          guard line.hasPrefix("m=audio "), let port = line.split(separator: " ").dropFirst().first, let number = Int(port), number > 0
          else { return line }
          return line.replacing(" \(number) ", with: " \(number + 2) ", maxReplacements: 1)
        }
      }),
    Defect(
      "description-without-origin", "Its descriptions have no o= line.", source: "RFC 8866 §5.2", at: [.endpoint, .persona],
      breaks: ["unreadable-sdp", "offer-unusable", "answer-unusable", "RFC 8866 §5", "RFC 8866 §5.2"], words: ["o="],
      .sends { message, _, _ in message.mapSDP { $0.hasPrefix("o=") ? nil : $0 } }),
  ]
}
