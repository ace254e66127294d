import SIPMessage

/// Digest, from both sides (RFC 3261 §22, RFC 7616, RFC 8760).
extension DefectCatalogue {
  static let authentication: [Defect] = challenges + credentials

  private static let challenges = [
    Defect(
      "stale-nonce-is-forbidden", "Right credentials with an old nonce get 403 instead of a new challenge.", source: "siphon-ai #430",
      at: [.endpoint], breaks: ["RFC 7616 §3.3", "RFC 3261 §22.4", "nonce-expired"], words: ["401", "stale"],
      .sends { message, _, _ in
        guard message.isResponse(401...401), message.values(.wwwAuthenticate).contains(where: { $0.item("stale") == "true" }) else {
          return
        }
        message.setStatus(403, "Forbidden")
        message[.wwwAuthenticate] = nil
      }),
    Defect(
      "stale-not-said", "A challenge for an old nonce does not say stale=true.", source: "RFC 7616 §3.3", at: [.endpoint],
      breaks: ["nonce-expired", "RFC 7616 §3.3"], words: ["stale"],
      .sends { message, _, _ in message.replace(.wwwAuthenticate, message.values(.wwwAuthenticate).map { $0.withoutItem("stale") }) }),
    Defect(
      "strangers-are-forbidden", "A request without credentials gets 403 instead of a challenge.", source: "livekit/sip #318 (C9)",
      at: [.endpoint], breaks: ["RFC 3261 §22.1", "RFC 3261 §22.2", "contract 8.1", "contract 8.2"], words: ["401"],
      signs: ["403 Forbidden*policy step 5 challenged"],
      .sends { message, _, _ in
        guard message.isResponse(401...401) else { return }
        message.setStatus(403, "Forbidden")
        message[.wwwAuthenticate] = nil
      }),
    Defect(
      "challenge-as-proxy", "The endpoint challenges with 407, as only a proxy may.", source: "RFC 3261 §22.1", at: [.endpoint],
      breaks: ["RFC 3261 §22.1", "RFC 3261 §22.2", "RFC 3261 §21.4.2", "contract 8.2"], words: ["401"],
      signs: ["observed*407 Proxy Authentication Required"],
      .sends { message, _, _ in if message.isResponse(401...401) { message.setStatus(407, "Proxy Authentication Required") } }),
    Defect(
      "realm-changes", "Each challenge has another realm.", source: "gsm-sip-bridge #21 class", at: [.endpoint],
      breaks: ["RFC 3261 §22.1", "RFC 7616 §3.3", "contract 8.2"], words: ["realm", "WWW-Authenticate"],
      .sends { message, _, memory in
        guard message.isResponse(401...401) else { return }
        let number = memory.count("challenge")
        message.replace(.wwwAuthenticate, message.values(.wwwAuthenticate).map { $0.settingItem("realm", to: "\"lab\(number)\"") })
      }),
    Defect(
      "no-qop-offered", "A challenge offers no qop.", source: "RFC 3261 §22.4", at: [.endpoint],
      breaks: ["RFC 3261 §22.4", "RFC 7616 §3.3", "contract 8.2"], words: ["qop", "WWW-Authenticate"],
      .sends { message, _, _ in
        if message.isResponse(401...401) {
          message.replace(.wwwAuthenticate, message.values(.wwwAuthenticate).map { $0.withoutItem("qop") })
        }
      }),
    Defect(
      "weakest-challenge-first", "The challenges stand in the order MD5, SHA-256.", source: "RFC 8760 §2.3; creytiv/re #226 (C19)",
      at: [.endpoint], breaks: ["RFC 8760 §2.3", "RFC 8760 §2.4", "contract 8.2"], words: ["WWW-Authenticate", "MD5", "SHA-256"],
      .sends { message, _, _ in
        if message.isResponse(401...401) { message.replace(.wwwAuthenticate, message.values(.wwwAuthenticate).reversed()) }
      }),
    Defect(
      "nonce-issued-twice", "The second challenge has the nonce of the first, which its own server does not know any more.",
      source: "http-auth #94", at: [.endpoint], breaks: ["RFC 7616 §3.3", "RFC 3261 §22.4"], words: ["nonce"],
      signs: ["nonce was not issued here"],
      .sends { message, _, memory in
        guard message.isResponse(401...401), let nonce = message[.wwwAuthenticate]?.item("nonce") else { return }
        if memory[word: "nonce"] == nil { memory[word: "nonce"] = "\(nonce.reversed())" }
        let kept = memory[word: "nonce"] ?? nonce
        message.replace(.wwwAuthenticate, message.values(.wwwAuthenticate).map { $0.settingItem("nonce", to: "\"\(kept)\"") })
      }),
    Defect(
      "wrong-password-challenged-again", "Credentials with a wrong password get another challenge instead of 403.",
      source: "livekit/sip #318 class", at: [.endpoint], breaks: ["contract 8.2", "RFC 3261 §22.2", "challenge-loop", "contract 8.1"],
      words: ["403"],
      .both(
        sends: { message, _, memory in
          guard message.isResponse(401...401), memory[word: "challenge"] == nil else {
            guard message.isResponse(403...403), memory[word: message.branch] != nil, let challenge = memory[word: "challenge"] else {
              return
            }
            message.setStatus(401, "Unauthorized")
            message[.wwwAuthenticate] = challenge
            return
          }
          memory[word: "challenge"] = message[.wwwAuthenticate]
        },
        receives: { message, _, memory in if message.has(.authorization) { memory[word: message.branch] = "" } })),
    Defect(
      "in-dialog-requests-challenged", "A BYE without credentials is challenged.", source: "contract 8.2; siphon-ai #430 class",
      at: [.endpoint], breaks: ["contract 8.2", "refused-in-dialog", "RFC 3261 §12.2.2", "RFC 3261 §15.1.2", "RFC 3261 §22.2"],
      words: ["BYE"],
      .both(
        sends: { message, _, memory in
          guard message.isResponse(200...200, to: "BYE"), memory[word: message.branch] != nil else { return }
          message.setStatus(401, "Unauthorized")
          message[.wwwAuthenticate] = "Digest realm=\"lab\", nonce=\"abc\", qop=\"auth\", algorithm=MD5"
        },
        receives: { message, _, memory in if message.isRequest("BYE"), !message.has(.authorization) { memory[word: message.branch] = "" } })
    ),
  ]

  private static let credentials = [
    Defect(
      "nonce-count-always-one", "The nonce count is 00000001, however often the nonce was used.", source: "jain-sip #181, sipexer #26",
      at: [.persona], breaks: ["RFC 7616 §3.4", "nonce-count", "RFC 3261 §22.4"], words: ["nc"],
      .sends { message, _, _ in
        for name in [HeaderName.authorization, .proxyAuthorization] where message.isRequest {
          if let value = message[name] { message[name] = value.settingItem("nc", to: "00000001") }
        }
      }),
    Defect(
      "qop-in-quotes", "Credentials have qop in quotes.", source: "RFC 7616 §3.4", at: [.persona],
      breaks: ["RFC 7616 §3.4"], words: ["qop"],
      .sends { message, _, _ in
        if message.isRequest, let value = message[.authorization], value.item("qop") != nil {
          message[.authorization] = value.settingItem("qop", to: "\"auth\"")
        }
      }),
    Defect(
      "credentials-without-cnonce", "Credentials with qop have no cnonce.", source: "RFC 7616 §3.4", at: [.persona],
      breaks: ["RFC 7616 §3.4", "RFC 3261 §22.4", "message-form"], words: ["cnonce"],
      .sends { message, _, _ in
        if message.isRequest, let value = message[.authorization] { message[.authorization] = value.withoutItem("cnonce") }
      }),
    Defect(
      "credentials-without-algorithm", "Credentials do not repeat the algorithm of the challenge.", source: "RFC 8760 §2.6 (C19)",
      at: [.persona], breaks: ["RFC 7616 §3.4", "RFC 8760 §2.6", "RFC 8760 §2.4"], words: ["algorithm"],
      .sends { message, _, _ in
        if message.isRequest, let value = message[.authorization] { message[.authorization] = value.withoutItem("algorithm") }
      }),
    Defect(
      "credentials-for-other-realm", "Credentials name another realm than the challenge.", source: "gsm-sip-bridge #21", at: [.persona],
      breaks: ["RFC 3261 §22.1", "RFC 7616 §3.4", "RFC 3261 §22.2", "credentials-never-sent"], words: ["realm"],
      .sends { message, _, _ in
        if message.isRequest, let value = message[.authorization] { message[.authorization] = value.settingItem("realm", to: "\"other\"") }
      }),
    Defect(
      "credentials-of-last-nonce-but-one", "Credentials have a nonce that the server did not give.", source: "re #581 class",
      at: [.persona], breaks: ["old-nonce", "RFC 3261 §22.2", "RFC 7616 §3.4"], words: ["nonce"],
      .sends { message, _, _ in
        if message.isRequest, let value = message[.authorization] {
          message[.authorization] = value.settingItem("nonce", to: "\"0123456789abcdef\"")
        }
      }),
    Defect(
      "response-damaged", "The digest in its credentials is wrong, whatever the password.", source: "SIPp #421", at: [.persona],
      breaks: ["RFC 7616 §3.4", "RFC 7616 §3.4.1", "contract 8.2", "registration-refused"], words: ["response", "Authorization"],
      signs: ["response does not match the password"],
      .sends { message, _, _ in
        if message.isRequest, let value = message[.authorization] {
          message[.authorization] = value.settingItem("response", to: "\"00000000000000000000000000000000\"")
        }
      }),
    Defect(
      "credentials-uri-of-proxy", "The uri of its credentials is another than its Request-URI.", source: "RFC 7616 §3.4.6", at: [.persona],
      breaks: ["RFC 7616 §3.4.6", "RFC 7616 §3.4", "RFC 3261 §22.4"], words: ["uri"],
      .sends { message, _, _ in
        if message.isRequest, let value = message[.authorization] {
          message[.authorization] = value.settingItem("uri", to: "\"sip:proxy.example.com\"")
        }
      }),
    Defect(
      "last-challenge-answered", "Of several challenges the last is answered, which is the weakest.",
      source: "RFC 8760 §2.4; creytiv/re #226 (C19)", at: [.persona], breaks: ["RFC 8760 §2.4"], words: ["MD5", "SHA-256", "algorithm"],
      .receives { message, _, _ in
        if message.isResponse(401...401) { message.replace(.wwwAuthenticate, message.values(.wwwAuthenticate).reversed()) }
      }),
    Defect(
      "credentials-sent-for-ever", "Credentials are sent again and again, however often they are refused.", source: "JsSIP #25 (C19)",
      at: [.persona], breaks: ["challenge-loop", "RFC 3261 §22.2", "RFC 3261 §22.3"], words: ["401", "Authorization"],
      .receives { message, _, _ in
        for name in [HeaderName.wwwAuthenticate, .proxyAuthenticate] where message.isResponse(401...407) {
          message.replace(name, message.values(name).map { $0.settingItem("stale", to: "true") })
        }
      }),
    Defect(
      "stale-taken-for-refusal", "A challenge with stale=true is taken for a refusal.", source: "RFC 7616 §3.3", at: [.persona],
      breaks: ["RFC 7616 §3.3", "RFC 3261 §22.2", "credentials-never-sent"], words: ["stale", "nonce"],
      .receives { message, _, _ in message.replace(.wwwAuthenticate, message.values(.wwwAuthenticate).map { $0.withoutItem("stale") }) }),
    Defect(
      "challenge-ignored", "A challenge is never answered.", source: "voip_patrol #19 class", at: [.persona],
      breaks: ["credentials-never-sent", "RFC 3261 §22.2", "RFC 3261 §22.1"], words: ["Authorization", "401"],
      .receives { message, _, _ in if message.isResponse(401...401) { message[.wwwAuthenticate] = nil } }),
    Defect(
      "credentials-for-everybody", "It sends credentials to who never asked.", source: "RFC 3261 §22.1; SIPp #421 class", at: [.persona],
      breaks: ["RFC 3261 §22.1", "RFC 3261 §22.2", "contract 8.2"], words: ["Authorization"],
      .sends { message, _, _ in
        if message.isRequest("INVITE", "REGISTER"), !message.has(.authorization) {
          message[.authorization] = "Digest username=\"acme\", realm=\"lab\", nonce=\"0\", uri=\"sip:lab\", response=\"0\", algorithm=MD5"
        }
      }),
  ]
}
