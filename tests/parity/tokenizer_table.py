"""Writes tests/model/tokenizers.jsonl with Hugging Face's tokenizers: tokenizer_table.py OUT. Opt-in, see tokenizer_parity.py."""
import json,sys
import tokenizer_parity as tp
from tokenizers import *
from tokenizers import pre_tokenizers as P, normalizers as N, decoders as D, processors as X, models as M
def b2u():
    bs=list(range(33,127))+list(range(161,173))+list(range(174,256)); cs=bs[:]; n=0
    for b in range(256):
        if b not in bs: bs.append(b); cs.append(256+n); n+=1
    return dict(zip(map(chr,cs),bs))
U=b2u()
def describe(part, key):
    t=Tokenizer(M.BPE()); setattr(t,key,part); return json.loads(t.to_str())[key]
rows=[]
TEXTS=["Hello, it's 1234567 o'clock!","  two  spaces\t\n\n x","你好，世界 3,14 ʼn 'S'LL","a--b---c- -d","٣٤ x² ①9 Ⅷ","e\u0301 ﬁ Å \u180e\u00a0z","<|x|> ▁▁ ▁a b ","\r\n\r\n\n","İstanbul ΑΣ ǅ","मराठी नमस्ते 가각 🇩🇪👩‍👩‍👧"]
pre={"gpt2":tp.byte_level(True),"prefix":tp.byte_level(True,True),"bytes":tp.byte_level(),
 "digits":P.Sequence([P.Digits(True),tp.byte_level(True)]),"digit runs":P.Digits(False),
 "qwen":P.Sequence([tp.split(tp.QWEN),tp.byte_level()]),"llama3":P.Sequence([tp.split(tp.LLAMA3),tp.byte_level()]),
 "deepseek":P.Sequence([tp.split(r"\p{N}{1,3}"),tp.split("[一-龥぀-ゟ゠-ヿ]+"),tp.split(tp.DEEPSEEK),tp.byte_level()]),
 "punctuation":P.Punctuation(),"punctuation runs":P.Punctuation("contiguous"),"whitespace":P.Whitespace(),"words":P.WhitespaceSplit(),
 "metaspace":P.Metaspace(),"metaspace first":P.Metaspace(prepend_scheme="first"),"metaspace never, whole":P.Metaspace(prepend_scheme="never",split=False),
 "removed":P.Split("-","removed"),"previous":P.Split("-","merged_with_previous"),"next":P.Split("-","merged_with_next"),
 "contiguous":P.Split("-","contiguous"),"isolated":P.Split("-","isolated"),"inverted":P.Split(Regex(r"\w+"),"removed",invert=True),
 "empty matches":P.Split(Regex(r"(?=(\d{3})+(?!\d))"),"isolated"),"boundaries":P.Split(Regex(r"\b"),"isolated"),"lines":P.Split(Regex(r"^.|\W$"),"isolated")}
for name,part in pre.items():
    for t in TEXTS:
        got=[p for p,_ in part.pre_tokenize_str(t)]
        d=describe(part,"pre_tokenizer")
        if 'ByteLevel' in json.dumps(d): got=[bytes(U[c] for c in p).decode() for p in got]
        rows.append({"kind":"pre_tokenizer","name":name,"described":d,"text":t,"pieces":got})
nor={"NFC":N.NFC(),"NFD":N.NFD(),"NFKC":N.NFKC(),"NFKD":N.NFKD(),"Lowercase":N.Lowercase(),"Strip":N.Strip(),"left":N.Strip(right=False),
 "Prepend":N.Prepend("▁"),"Replace":N.Replace(" ","▁"),"Replace regex":N.Replace(Regex(r"\s+"),"_"),"Sequence":N.Sequence([N.Prepend("▁"),N.Replace(" ","▁")]),"empty":N.Sequence([])}
for name,part in nor.items():
    for t in TEXTS[1:]+["  x  ",""]:
        rows.append({"kind":"normalizer","name":name,"described":describe(part,"normalizer"),"text":t,"pieces":[part.normalize_str(t)]})
# one description per name, then its cases
out=[]; seen={}
for r in rows:
    k=(r["kind"],r["name"])
    if k not in seen: seen[k]={"kind":r["kind"],"name":r["name"],"described":r["described"],"cases":[]}; out.append(seen[k])
    seen[k]["cases"].append({"text":r["text"],"pieces":r["pieces"]})
# whole tokenizers
corpus=["low lower lowest newer newest wider","the cat sat on the mat; the theory of 1234","naïve café — 你好 你们","hello hello, world\n"]*3
ADD=[AddedToken("<|im_start|>",special=True),AddedToken("<think>",normalized=False),AddedToken("mask",single_word=True,normalized=False),AddedToken("[L]",lstrip=True,normalized=False),AddedToken("[R]",rstrip=True,normalized=False),AddedToken("Tool",normalized=True)]
WT=["the lowest theory","<|im_start|>hello <think>x","mask masks unmask mask.","a [L] b  [R]  c[R] [L]","Tool tool Tools","new  newest\n","你好 不知 🙂 é e\u0301","  lead","hello","","<s>the</s>","[R]\u3000[L]"]
for name,(n,p,o) in tp.families().items():
    if name not in("gpt2","qwen","llama3","llama2","mistral","whitespace"): continue
    tp.ADDED=ADD
    data=tp.train(name,n,p,o,corpus,size=300 if not o.get("spm") else 60)
    if o.get("spm") and data["model"]["byte_fallback"]:
        pass
    if not o.get("spm"): data["model"]["vocab"]=dict(sorted(data["model"]["vocab"].items(),key=lambda x:x[1]))
    t=Tokenizer.from_str(json.dumps(data))
    cases=[]
    for w in WT:
        e=t.encode(w,add_special_tokens=False).ids
        cases.append({"text":w,"ids":e,"framed":t.encode(w).ids,"decoded":t.decode(e,skip_special_tokens=False),"skipped":t.decode(e)})
    out.append({"kind":"tokenizer","name":name,"described":data,"cases":cases})
# vocabularies, trained
import random
from tokenizers import trainers as T
draw=random.Random(7)
MARKS={"▁":D.Sequence([D.Replace("▁"," "),D.ByteFallback(),D.Fuse(),D.Strip(" ",1,0)])}
TIES=[" ".join("".join(draw.choice("ab") for _ in range(draw.randrange(1,9))) for _ in range(6)) for _ in range(8)]+["aaaaaaa aaaa aa","abcabcabc cab"]
# name: family, options, texts, tokens that are added
train={"gpt2":("gpt2",{"vocab_size":300},corpus,["<|end|>"]),
 "frequent":("qwen",{"vocab_size":400,"min_frequency":5},corpus,[]),
 "short":("llama3",{"vocab_size":320,"max_token_length":4,"special":["<|x|>","th"]},corpus,["<|end|>"]),
 "lower":("nfkc-lower",{"vocab_size":290},corpus+["ﬁne ＦＩＮＥ Fine"],[]),
 "bytes in place":("metaspace",{"vocab_size":300,"limit_alphabet":15},corpus,["<unk>","<s>"]),
 "alphabet":("metaspace",{"vocab_size":310,"initial_alphabet":"xyz€"},corpus,["<unk>"]),
 "lines":("llama2",{"vocab_size":330},corpus,["<unk>","<s>","</s>"]),
 "ties":("whitespace",{"vocab_size":40},TIES,["<unk>","aa"]),
 "shortest":("whitespace",{"vocab_size":40,"max_token_length":1},TIES,["<unk>"])}
for name,(family,options,texts,tokens) in train.items():
    n,p,o=tp.families()[family]; spm=o.get("spm"); fallback=bool(spm) and family!="whitespace"
    shape=Tokenizer(M.BPE(unk_token="<unk>" if spm else None,fuse_unk=bool(spm),byte_fallback=fallback,ignore_merges=o.get("ignore_merges",False)))
    if n is not None: shape.normalizer=n
    if p is not None: shape.pre_tokenizer=p
    shape.decoder=MARKS["▁"] if spm else D.ByteLevel()
    like=json.loads(shape.to_str())
    like["model"]["vocab"]={t:i for i,t in enumerate(tokens)}
    like["added_tokens"]=[{"id":i,"content":t,"special":True,"normalized":False,"single_word":False,"lstrip":False,"rstrip":False} for i,t in enumerate(tokens)]
    if options.get("limit_alphabet"):  # between characters that are equally frequent it is chance
        counts={}
        for t in texts:
            for w,_ in p.pre_tokenize_str(n.normalize_str(t)):
                for c in w: counts[c]=counts.get(c,0)+1
        order=sorted(counts.values(),reverse=True); assert order[options["limit_alphabet"]-1]>order[options["limit_alphabet"]],order
    first=tokens+[f"<0x{b:02X}>" for b in range(256)] if fallback else tokens
    keys={k:v for k,v in options.items() if k not in("special","initial_alphabet")}
    alphabet=list(options.get("initial_alphabet","")) if spm else P.ByteLevel.alphabet()
    shape.train_from_iterator(texts,T.BpeTrainer(show_progress=False,special_tokens=first+options.get("special",[]) if not fallback else tokens+options.get("special",[])+first[len(tokens):],initial_alphabet=alphabet,**keys))
    model=json.loads(shape.to_str())["model"]
    out.append({"kind":"training","name":name,"like":like,"options":options,"texts":texts,"vocab":model["vocab"],"merges":model["merges"]})
open(sys.argv[1], 'w').write("".join(json.dumps(r,ensure_ascii=False)+"\n" for r in out))
