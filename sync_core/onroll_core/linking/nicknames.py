"""First names that are called by others: enough for a suggestion that a person confirms, never for more."""

from __future__ import annotations

from collections.abc import Mapping

from onroll_core.usernames import fold

_FAMILIES = """
abigail abby abbie gail | abdul abdullah | adam ad | agnes aggie nessie | alan allan allen al | albert bert bertie al | alexander alexandra alex sandy xander zander lex sasha alec
alfred alf alfie fred | alison alice ali allie | amanda mandy | amelia millie amy mia | andrew andy drew | angela angie ange | ann anne annie anna hannah nan
anthony antony tony ant | antonia toni | archibald archie | arthur art artie | barbara babs barb | beatrice beatrix bea trixie | benjamin ben benji benny | bernard bernie
bethany elizabeth beth eliza liz lizzie libby betty betsy bess lisa elspeth liza | bradley brad | cameron cam | caroline carol carrie carolyn | catherine katherine kathryn katharine cathy kathy kate katie kat cat kitty
cecilia celia cissy | charles charlie chas chaz chuck | charlotte charlie lottie lotte | christina christine kirsten chris tina chrissy | christopher chris kit topher | claire clare clara
clifford cliff | constance connie | cynthia cindy | daniel dan danny | danielle dani danny | david dave davey davie dai | deborah debra debbie deb | denise den | dennis denis den denny
diana diane di | dominic dom nic | donald don donnie | dorothy dot dolly dottie | douglas doug dougie | edward ted eddie ed ned teddy eddy | eleanor elinor ellie nell nora lenore | elijah eli
ellen ellie nell helen | emily em emmy millie | emma em | eric rick | ernest ernie | euan ewan owen | eugene gene | evelyn eve evie | felicity flick fliss | florence flo florrie flossie
frances fran frankie fanny | francis frank frankie | frederick fred freddie freddy | gabriel gabe | gabrielle gabby gabi | gareth gary gaz | geoffrey jeffrey geoff jeff | george georgie | georgina georgia georgie gina
gerald gerard gerry jerry | gillian jill gill | grace gracie | graham graeme | gregory greg | gwendolyn gwen | harold harry hal | harriet hattie harry | henry harry hal hank | hugh hughie hugo
ian iain | imogen immy | irene renee | isaac ike zac | isabella isabel isobel isabelle bella izzy bel issy belle ishbel | jack jackie john | jacob jake | jacqueline jackie jacqui | james jim jamie jimmy jem
jane janie jan janet | jasmine jas jaz | jemima jem mima | jennifer jen jenny jenni | jeremy jez jerry jem | jessica jess jessie | joan joanie | joanne joanna jo joey | john johnny jon jack sean ian | jonathan jon jonny jono
joseph joe joey jo | josephine jo josie | joshua josh | joyce joy | judith judy jude | julia julie juliet jules | julian jules | justin just | kenneth ken kenny | kevin kev | kimberley kimberly kim
lachlan lachie | laura lori laurie | laurence lawrence larry laurie loz | leonard len lenny leo | leslie lesley les | lewis louis lou louie lew | lillian lily lil | linda lin lindy | louise lou
lucy lucinda luce lulu | luke luca | lydia lyd | madeleine maddie maddy | magdalena maggie lena | malcolm mal | margaret maggie meg peggy marge margie greta daisy rita mags mairead | maria marie mary ria | marian marion
martha marty | martin marty | mary molly polly may mae moira maria | matilda tilly mattie tilda | matthew matt matty | maureen mo | maurice morris mo | maximilian max | megan meg meggie
melanie mel | melissa mel lissa | michael mike mick mickey micky mikey | michelle shell chelle | miriam mim | mohammed muhammad mohamed mohammad muhammed mo | montgomery monty | nancy nan | natalie nat | natasha tasha nat tash
nathan nathaniel nate nat | nicholas nicolas nick nicky nico | nicola nicole nicky nikki nic | oliver ollie olly | olivia liv livvy livia | oscar ozzy | pamela pam | patricia pat trish patsy tricia paddy | patrick pat paddy
paul paulie | penelope penny | peter pete | philip phillip phil pip | philippa pippa pip | phoebe phebe | rachel rachael rach rae | raymond ray | rebecca becky becca bex | reginald reg reggie
richard rich dick rick ricky richie | robert rob bob bobby robbie bert rab | roberta bobbie | robin rob | roderick rod roddy | rodney rod | roger rodge | ronald ron ronnie | rosemary rose rosie romy
rosalind roz ros | rosamund rosie | rupert rupe | russell russ | ruth ruthie | samantha sam sammy | samuel sam sammy | sandra sandy | sarah sara sally sal sadie | sebastian seb bas | sharon shaz | sheila shelagh
sidney sydney sid syd | simon si | sophia sophie soph | stanley stan | stephanie steph stevie | stephen steven steve stevie ste | stuart stewart stu | susan susanna suzanne sue susie suzy | sylvia sylvie
tabitha tabby | teresa theresa tess terry tessa | terence terry tel | thea dorothea theodora | theodore theo ted teddy | thomas tom tommy tam | timothy tim timmy | tobias toby | valerie val | vanessa nessa
veronica ronnie vera | victor vic | victoria vicky vicki tori vix | vincent vince vinny | violet vi | virginia ginny | vivian vivienne viv | walter wally walt wat | wendy wend | wilfred wilf | william will bill billy willie liam willy
winifred winnie freda | yasmin yasmine yaz | yvonne eve | zachary zac zach zack | zoe zoey | alfred alfie | philippa pippa | francesca fran frankie chess cesca | georgiana georgie | henrietta hattie etta | rosalie rosie | susannah sue susie suki
theodora theo dora | wilhelmina mina minnie | augustus gus august | angus gus | barnaby barney | bartholomew bart | cornelius neil | cressida cressy | crispin cris | ignatius iggy
jocelyn joss | lucian luke | ottilie tilly | persephone percy persie | quentin quin | raphael rafe raff rafi | ruben reuben ruby | tristan tris | ulysses uly | verity vee | xavier xavi zav
aleksander alexander aleksandra alexandra olek ola | agnieszka agnes aga | andrzej andrew jedrek | anna ania anka anne | barbara basia | bartosz bartlomiej bartek | dorota dorothy dorotka
elzbieta elizabeth ela | ewa eva eve | franciszek francis franek | grzegorz gregory greg grzesiek | hanna hania | henryk henry heniek | jadwiga jadzia | jakub jacob jake kuba james | jan john jas janek
jerzy george jurek | joanna asia joasia | jozef joseph jozek | julia julka | kacper kacperek casper | karol charles karolek | katarzyna catherine kasia kate kaska | krystyna christina krysia
krzysztof christopher chris krzysiek krzys | lukasz luke lukas | magdalena magda madzia | maciej matthew maciek | maksymilian maximilian maks max | malgorzata margaret gosia malgosia | maria marysia mary
mateusz matthew matt mati | michal michael mike michalek | mikolaj nicholas mikolajek miki | natalia natalka nat | oliwia olivia oliwka | pawel paul pawelek | piotr peter piotrek | rafal raphael rafalek
stanislaw stanley stas staszek | stefan stephen steven | szymon simon szymek | tadeusz tadek thaddeus | tomasz thomas tomek tom | weronika veronica weronka wera | wiktor victor witek | wiktoria victoria wika
wojciech wojtek albert | zbigniew zbyszek | zofia sophia zosia | zuzanna susanna zuzia zuza | aleksandr oleksandr aleksander alexander sasha sashko alex shura | oleksandra aleksandra alexandra sasha lesia
anastasia anastasiia nastya nastia asya | andrei andriy andrey andrew andriyko | artem artemiy tyoma | bohdan bogdan danya | daria daryna darya dasha | dmytro dmitry dmitri dima mitya | iryna irina ira irene
ivan vanya john | kateryna ekaterina katerina katya katia catherine kate | kyrylo kirill cyril | khrystyna kristina christina | liudmyla ludmila lyudmila mila lyuda | maksym maxim maksim max
mariia maria masha marichka | mykhailo mikhail misha michael mykhaylo | mykola nikolai kolya nicholas | nataliia natalia natasha | oksana ksenia ksyusha | olena elena helen lena olenka | olha olga olya
pavlo pavel paul pasha | petro petr peter | serhii sergei sergey serhiy seryozha serge | sofiia sofia sophia sonya sofiya | svitlana svetlana sveta | taras tarasyk | tetiana tatiana tanya tatyana
vasyl vasily basil vasya | viktoriia viktoria victoria vika | volodymyr vladimir vova volodia vlad | yaroslav iaroslav slava yarik | yelyzaveta elizaveta elizabeth liza lisa | yevhen evgeny eugene zhenya evhen
yevheniia evgenia zhenya | yuliia yulia julia iuliia | yurii yuri george yura | alexandru alexander alex sandu | andreea andrea andra deea | catalin cata | constantin costi costel constantine
cristian christian cristi cris | cristina christina cris | dumitru mitica dimitri | elena lena ileana | gheorghe george gigi ghita | ioan john ion ionel ionut | ioana joanna | iulian julian iuli
mihai michael mihaita misu | mihaela michaela miha | nicolae nicholas nicu | stefan steven fane | stefania stephanie stefi fania | vasile basil vasi | mohammed mohammad mohamed mohamad muhammad muhammed mohd md mo hamada
ahmed ahmad ahmet | abdulrahman abdurrahman abdul abdirahman abdi | ali aly | aisha ayesha aysha ayse aicha | amina aminah aamina emine | fatima fatimah fatma fatema | hassan hasan hassaan | hussein hussain hossain husayn huseyin
ibrahim ebrahim abraham ibby | ismail ishmael ismael | jamal gamal | khadija khadijah hatice | khalid khaled | maryam mariam mary meryem | mustafa mostafa moustafa | nur noor nour | omar umar omer | osman usman uthman othman
rahim raheem | sara sarah sarra | sulaiman suleiman suleyman soliman solomon suli | yahya yahia | yousuf yusuf youssef yousef joseph yosef | zainab zaynab zeinab zeynep | zakariya zakaria zachariah zak
zayn zain zane | adebayo bayo | adebola bola | adekunle kunle | ayodele ayo dele | ayodeji ayo deji | babajide jide | babatunde tunde | chiamaka amaka | chibuzor chibuzo buzo | chidinma chidi dinma | chinedu nedu
chinonso nonso | chukwuemeka emeka | damilola dami lola | ebunoluwa ebun | emmanuel emma manny emmanuella ella | folasade sade folashade | ifeoluwa ife | ikechukwu ike | kehinde kenny | kelechi kele | modupe dupe
ngozi goz | obinna obi | olaoluwa ola | oluwadamilare dami | oluwafemi femi | oluwafunke funke | oluwakemi kemi | oluwaseun seun | oluwatobi tobi oluwatobiloba | oluwatosin tosin | onyekachi kachi | onyinye onyi
opeyemi ope yemi | taiwo tai | temidayo dayo temi | temitope temi tope | tobechukwu tobe | uchenna uche | yetunde yeti | aditya adi | akshay ax | amandeep aman | amarpreet amar | gurpreet gurp | harpreet harp
harjit harj | jaspreet jas jaz | jasvinder jas jassi | jaswinder jas jassi | manpreet mani | kiran kirandeep | lakshmi laxmi | narendra naren | nikhil nik | parminder pam | pradeep pradip | priyanka priya | rajesh raj
rajinder raj | rajvir raj | ravinder ravi | sandeep sandip sandy | satvinder sat | siddharth sid sidharth | sukhdeep sukh sukhi | sukhwinder sukh | venkatesh venkat | vikram vik | vishal vish | yashvi yash
ana anne anna | antonio tony toni | beatriz bia beatrice | carlos charles | catarina catherine cat cata | eduardo edu edward | fernando nando | filipe felipe philip | francisca chica | francisco chico paco kiko frank
goncalo gonza | guilherme gui william | henrique henry | jesus chuy | joana joanna | joao john | jorge george | jose joe pepe ze | luis lou | manuel manny manolo | margarida margaret guida | maria mia | mariana mari
mateus matthew | miguel michael mike | pedro peter | rafael rafa raphael | ricardo rico richard | rodrigo digo | rosario charo | tiago james | tomas thomas tom | vitoria victoria vi
aoife eva | brid bridget brigid biddy | caitlin kathleen kate | caoimhe keeva | ciara keira kiera | ciaran kieran | cormac mac | diarmuid dermot | eamon edmund | eilidh ellie helen | eoin owen ian john | fionnuala nuala
mairead margaret | maire mary | niamh neve | oisin osheen | orlaith orla | padraig patrick paddy pauric | roisin rose | ruairi rory ruaridh | seamus james shay | sean shaun shawn john shane | sinead jane | siobhan joan
tadhg tim | alasdair alistair alastair alec ally | coinneach kenneth | fionnlagh finlay | iain ian john | mhairi mairi mary | morag sarah | ruaraidh rory | seonaid janet | catrin catherine cat | dafydd david dai
geraint ger | gruffydd griff griffith | gwenllian gwen | ieuan iwan evan john | llewelyn llew lyn | mair mary | meirion mei | myfanwy myf | owain owen | rhiannon rhi | rhys reece reese | sian jane | sion john | tomos tom thomas
ayse ayshe | giorgos george yiorgos georgios | konstantinos kostas costas constantine dinos | nikolaos nikos nick nicholas | dimitrios dimitris jim dimitri | ioannis yannis john | katerina katie catherine | eleni helen
mei may | minh min | nguyet moon | thi thy
"""


def _table() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _FAMILIES.strip().splitlines():
        for family in line.split("|"):
            names = {fold(name) for name in family.split()}
            for name in names:
                found.setdefault(name, set()).update(names)
    return {name: frozenset(names) for name, names in found.items()}


_CALLED = _table()


def called(first: str) -> frozenset[str]:
    """Every first name, folded, that somebody called `first` (folded) may also go by; their own is among them."""
    return _CALLED.get(first, frozenset()) | {first}
